"""The hardened unit: measured by systemd's own judge, and with no right less than the exporter needs."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "alerts"))
import servers  # noqa: E402

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "bedrock-quota-exporter.service"
BINARY = os.environ.get("BQE_BINARY")
# systemd's scale goes from 0 to 10.
MOST_EXPOSED = 2.0


def setting(name):
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.M)


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


@unittest.skipIf(shutil.which("systemd-analyze") is None, "systemd-analyze is missing: the unit is not measured")
class Unit(unittest.TestCase):
    def test_it_is_hardened(self):
        judged = analyze("security", "--offline=true", "--no-pager", UNIT)
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
        self.assertIsNotNone(level, judged.stderr)
        self.assertLessEqual(float(level[1]), MOST_EXPOSED, judged.stdout)

    def test_systemd_knows_every_setting(self):
        said = analyze("verify", UNIT).stderr
        wrong = [line for line in said.splitlines() if not re.search(r"is not executable|Command 'man ", line)]
        self.assertEqual(wrong, [])

    @unittest.skipIf(shutil.which("strace") is None or not BINARY, "strace is missing: the unit's system calls are not tried")
    def test_the_exporter_makes_no_system_call_and_opens_no_file_that_it_forbids(self):
        """From start to a reload, a scrape and the end."""
        calls, files = traced()
        self.assertEqual(calls - allowed(), set())
        beside_processes = {path for path in files if re.match(r"/proc/(?!self|\d)", path)}
        self.assertTrue(not beside_processes or setting("ProcSubset") != ["pid"], beside_processes)


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Command(unittest.TestCase):
    def test_the_exporter_knows_its_flags(self):
        _, *arguments = shlex.split(setting("ExecStart")[0])
        with tempfile.TemporaryDirectory() as folder:
            arguments = [a.replace("/etc/bedrock-quota-exporter", folder) for a in arguments]
            done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
        self.assertIn(f"{folder}/config.yaml", done.stderr)
        self.assertNotIn("argument", done.stderr)


def allowed():
    """The unit's filter, its groups spelt out; a line that begins with ~ takes away."""
    calls = set()
    for line in setting("SystemCallFilter"):
        found = set().union(*(spelt_out(word) for word in line.removeprefix("~").split()))
        calls = calls - found if line.startswith("~") else calls | found
    # What a service cannot be without, systemd adds by itself.
    return calls | spelt_out("@default")


def spelt_out(word):
    if not word.startswith("@"):
        return {word}
    lines = [line.strip() for line in analyze("syscall-filter", word).stdout.splitlines()[1:]]
    return set().union(*(spelt_out(line) for line in lines if line and not line.startswith("#")))


def traced():
    """The names of the system calls of a demo, and the files that it opens."""
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder, "calls"), servers.free_port()
        demo = [BINARY, "demo", f"--web.listen-address=127.0.0.1:{port}"]
        with servers.process(folder, port, "strace", "-f", "-qq", "-e", "signal=none", "-o", log, *demo) as exporter:
            urllib.request.urlopen(f"{exporter}/metrics", timeout=servers.PATIENCE).read()
            process = int(log.read_text().split(None, 1)[0])
            os.kill(process, signal.SIGHUP)
            os.kill(process, signal.SIGTERM)
            ended = lambda: not Path(f"/proc/{process}").exists()  # noqa: E731
            servers.wait_until(ended, servers.PATIENCE, "the exporter to end")
        calls, files = re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.M), re.findall(r'openat\(\w+, "([^"]+)', log.read_text())
        return set(calls) - {"execve"}, set(files)


if __name__ == "__main__":
    unittest.main()
