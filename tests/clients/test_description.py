"""The API as its own OpenAPI description has it: requests made up from it by schemathesis, good ones and bad ones."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
START_SECONDS = 300
# What was not tried by then is left out.
MOST_SECONDS = 40
TESTER = Path(sys.executable).parent / "schemathesis"
MINUTES = "/api/v1/minutes"
LISTENING = "msg=listening address="


class Description(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # It leaves what it found where it runs.
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        demo = subprocess.Popen([BINARY, "demo", "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(demo.wait)
        cls.addClassCleanup(demo.terminate)
        address = next(line.split(LISTENING)[1].strip() for line in demo.stderr if LISTENING in line)
        threading.Thread(target=demo.stderr.read, daemon=True).start()
        cls.api = f"http://{address}/api/v1"
        give_up = time.monotonic() + START_SECONDS
        while not cls.is_read():
            if time.monotonic() > give_up:
                raise RuntimeError(f"no headroom is known within {START_SECONDS} s")
            time.sleep(0.2)

    @classmethod
    def is_read(cls):
        try:
            with urllib.request.urlopen(f"{cls.api}/headroom?fullest=1") as answer:
                return b'"quota_code"' in answer.read()
        except urllib.error.HTTPError:
            return False

    def run_tester(self, operations, *flags):
        done = subprocess.run(
            [TESTER, "run", f"{self.api}/openapi.json", "--generation-deterministic", "--no-color",
             "--phases=coverage,fuzzing", "--max-examples=25", f"--max-time={MOST_SECONDS}", *flags],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, rf"Tested: +{operations}\b")
        self.assertRegex(done.stdout, r"\d{2,} generated, ", "hardly anything was tried")

    def test_every_answer_is_as_it_is_described(self):
        with urllib.request.urlopen(f"{self.api}/openapi.json") as answer:
            operations = len(json.load(answer)["paths"])
        self.run_tester(operations - 1, f"--exclude-path={MINUTES}")

    def test_minutes_are_of_a_model_or_an_id(self):
        # That one of two parameters has to be there is nothing that OpenAPI can say.
        self.run_tester(1, f"--include-path={MINUTES}", "--exclude-checks=positive_data_acceptance")


if __name__ == "__main__":
    unittest.main()
