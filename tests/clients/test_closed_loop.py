"""What docs/CLIENTS.md says of a naive and a quota-aware client, measured anew."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))


class TheClosedLoop(unittest.TestCase):
    def test_the_aware_client_is_refused_far_less_and_hardly_later(self):
        command = [sys.executable, str(ROOT / "clients/python/closed_loop.py"), BINARY, "--seconds=12"]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(json.dumps(told))
        naive, aware = told["naive"], told["quota_aware"]
        self.assertGreater(naive["refused"], 100, "demand is far above the limit")
        self.assertLessEqual(aware["refused"], 0.05 * naive["refused"])
        self.assertLessEqual(aware["seconds"], 1.1 * told["least_seconds"])
        self.assertEqual(told["statistics"]["successes"], told["calls"])


if __name__ == "__main__":
    unittest.main()
