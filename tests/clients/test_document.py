"""The Python of docs/CLIENTS.md, as it stands there, against the simulated bedrock-runtime."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
sys.path.insert(0, str(ROOT / "clients/python"))

import closed_loop  # noqa: E402


class TheDocument(unittest.TestCase):
    def test_its_python_calls_bedrock_and_says_what_that_took(self):
        [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/CLIENTS.md").read_text(), re.S)
        with closed_loop.simulated(BINARY) as url:
            keys = {"AWS_ACCESS_KEY_ID": "AKIA000000000000TEST", "AWS_SECRET_ACCESS_KEY": "simulated"}
            place = {"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
            environment = {**os.environ, **keys, **place, "PYTHONPATH": str(ROOT / "clients/python")}
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"'outputTokens': 50.*Statistics\(successes=1, failures=0, throttled=0")


if __name__ == "__main__":
    unittest.main()
