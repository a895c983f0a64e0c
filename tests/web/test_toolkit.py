"""Every web configuration of cases.py, tried on the exporter and on the toolkit that other exporters use."""

import os
import shutil
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import certificates
import doors

FOLDER = None
SOURCE = Path(__file__).with_name("toolkit")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "bedrock-quota-exporter", "tools", "toolkit")


def setUpModule():
    global FOLDER
    FOLDER = certificates.folder()


def verdict(case, server):
    """Whether it takes the file, and what becomes of the clients."""
    if server.address is None:
        return False, []
    return True, [doors.curl(FOLDER, server.address, *client) for client, _ in case.clients]


def expected(case):
    return case.good, [outcome for _, outcome in case.clients]


def together(serve, tried):
    """The verdicts of doors, two at a time: most of it is waiting."""

    def judged(case):
        with serve(doors.written(FOLDER, case.config)) as server:
            return verdict(case, server)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip([case.name for case in tried], pool.map(judged, tried)))


class Verdicts(unittest.TestCase):
    maxDiff = None

    def test_the_exporter_judges_as_the_table_says(self):
        self.assertEqual(together(doors.exporter, cases.CASES), {case.name: expected(case) for case in cases.CASES})
        print(f"web configurations: {len(cases.CASES)} kinds, {sum(len(case.clients) for case in cases.CASES)} clients")

    def test_the_toolkit_judges_so_too_but_for_what_differs(self):
        if shutil.which("go") is None:
            self.skipTest("Go is missing: exporter-toolkit is not built")
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(["go", "build", "-o", CACHE, "."], cwd=SOURCE, capture_output=True, text=True)
        if built.returncode and not os.environ.get("CI"):
            self.skipTest("exporter-toolkit could not be built by Go")
        self.assertEqual(built.returncode, 0, built.stderr)
        alike = [case for case in cases.CASES if not case.differs]
        self.assertGreaterEqual(len(alike), 41)
        serve = lambda config: doors.toolkit(CACHE, config)  # noqa: E731
        self.assertEqual(together(serve, alike), {case.name: expected(case) for case in alike})
        others = [case for case in cases.CASES if case.differs]
        taken = {name: good for name, (good, _) in together(serve, others).items()}
        self.assertEqual(taken, {case.name: True for case in others}, "what no longer differs is told as a difference")

    def test_check_refuses_what_the_exporter_does_not_start_with(self):
        for case in cases.CASES:
            file = doors.written(FOLDER, case.config)
            done = subprocess.run([doors.BINARY, "check", f"--web.config.file={file}"], capture_output=True, text=True)
            self.assertEqual(done.returncode == 0, case.good, f"{case.name}: {done.stderr}")
            if not case.good:
                self.assertRegex(done.stderr, rf"{file}:\d+: ", case.name)


if __name__ == "__main__":
    unittest.main()
