"""The status page of the demo in a real browser. BQE_BINARY names the exporter; without chromium this is left out."""

import os
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import browser
import lint
import prometheus

BINARY = Path(os.environ.get("BQE_BINARY", lint.REPOSITORY / "target/debug/bedrock-quota-exporter"))
START_SECONDS = 600


@unittest.skipUnless(BINARY.exists() and browser.find(), "the status page in a browser: needs chromium, and BQE_BINARY to name "
                                                         "the exporter")
class StatusPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.url = f"http://127.0.0.1:{prometheus.free_port()}"
        log = tempfile.TemporaryFile()
        cls.addClassCleanup(log.close)
        demo = subprocess.Popen([BINARY, "demo", f"--web.listen-address={cls.url.removeprefix('http://')}"], stderr=log)
        cls.addClassCleanup(demo.wait)
        cls.addClassCleanup(demo.terminate)
        cls.wait_until_ready(demo)

    @classmethod
    def wait_until_ready(cls, demo):
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and demo.poll() is None:
            try:
                urllib.request.urlopen(f"{cls.url}/-/ready", timeout=1).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"{BINARY} demo is not ready within {START_SECONDS} s, or ended: {demo.poll()}")

    def test_the_browser_has_nothing_to_complain_of(self):
        for width, dark in ((1280, False), (500, True)):
            with self.subTest(width=width, dark=dark):
                shown = browser.show(self.url, width=width, height=1000, dark=dark)
                self.assertEqual(shown.complaints, [])
                self.assertIn("<h1>bedrock-quota-exporter", shown.text)

    def test_what_is_wrong_comes_first(self):
        texts = browser.texts(browser.show(self.url, width=500, height=1000).text)
        titles = [each for each in texts if each in ("Wrong now", "Fullest quotas", "Refused calls", "Targets")]
        self.assertEqual(titles, ["Wrong now", "Fullest quotas", "Refused calls", "Targets"])
        self.assertIn("demo: AWS is simulated", texts)


if __name__ == "__main__":
    unittest.main()
