"""Scraping asks AWS nothing: two Prometheus servers on one exporter cost one bill."""

import contextlib
import gzip
import os
import re
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "alerts"))
import servers  # noqa: E402

BINARY = os.environ.get("BQE_BINARY")
SCRAPES = 20
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "simulated"}
ROLE = "arn:aws:iam::000000000000:role/bedrock-quota-exporter"


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Scrapes(unittest.TestCase):
    def test_scrapes_ask_aws_nothing(self):
        """Between two rounds of the one target the count of calls stands still, however often it is scraped meanwhile."""
        with running() as exporter:

            def stands_still():
                before = asked(exporter)
                for _ in range(SCRAPES):
                    scrape(exporter)
                return asked(exporter) == before > 0

            servers.wait_until(stands_still, servers.PATIENCE, "scrapes without calls to AWS")


@contextlib.contextmanager
def running():
    """An exporter of one account and region of the simulated AWS; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        port = servers.free_port()
        with servers.process(folder, port, BINARY, "sim", f"--listen=127.0.0.1:{port}", ready_at="/_sim/clock") as aws:
            config = Path(folder, "config.yaml")
            config.write_text(f"regions: [us-east-1]\naws: {{endpoint_url: '{aws}'}}\naccounts: [{{role_arn: '{ROLE}'}}]\n")
            port = servers.free_port()
            command = [BINARY, "serve", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
            with servers.process(folder, port, *command, env=KEYS) as exporter:
                yield exporter


def scrape(exporter):
    """As Prometheus asks."""
    request = urllib.request.Request(f"{exporter}/metrics", headers={"Accept-Encoding": "gzip"})
    return urllib.request.urlopen(request, timeout=servers.PATIENCE).read()


def asked(exporter):
    """Calls to AWS so far."""
    text = gzip.decompress(scrape(exporter)).decode()
    return sum(float(value) for value in re.findall(r"^bedrock_exporter_aws_requests_total\{.*\} (\S+)$", text, re.M))


if __name__ == "__main__":
    unittest.main()
