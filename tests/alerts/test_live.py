"""The rules in a real Prometheus and Alertmanager, fed by a page of metrics: fires, mutes, remembers the past."""

import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import live

MODEL = 'account_id="111122223333",region="us-east-1",model="amazon.nova-pro-v1:0",scope="cross_region"'
QUOTA = f'{MODEL},endpoint="runtime",variant="standard",quota="tokens_per_minute",quota_code="L-C0326783"'
ABOVE = f'bedrock_quota_above_threshold_seconds{{{QUOTA},threshold="0.9"}}'

PAGE = f"""\
bedrock_exporter_build_info{{version="1.0.0",revision="abc",mode="demo"}} 1
bedrock_throttle_ratio{{{MODEL},window="5m"}} 0.25
bedrock_attempts{{{MODEL},window="5m"}} 4000
bedrock_throttled_seconds{{{MODEL},window="15m"}} 180
{ABOVE} 900
bedrock_quota_limit{{{QUOTA}}} 1000000
"""


class Exporter:
    def __enter__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(PAGE.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/metrics"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def past(hours):
    """OpenMetrics: a quota that was full for hours."""
    now = int(time.time()) // 60 * 60
    return "\n".join(
        [
            "# TYPE bedrock_quota_above_threshold_seconds gauge",
            *(f"{ABOVE} 900 {stamp}" for stamp in range(now - hours * 3600, now, 60)),
            "# EOF\n",
        ]
    )


class Live(unittest.TestCase):
    def test_the_page_arrives_its_tickets_are_muted_and_the_past_is_known(self):
        with tempfile.TemporaryDirectory() as folder, Exporter() as metrics:
            backfill = Path(folder, "past.om")
            backfill.write_text(past(5))
            wanted = {"BedrockThrottling", "BedrockQuotaNearLimit", "BedrockQuotaSaturated"}
            seen = live.watch(
                metrics, seconds=90, scale=0.1, scrape_seconds=1, backfill=backfill, until=wanted
            ).report()
        self.assertEqual(
            {a["alert"]: (sorted(a["notified"]), bool(a["muted"])) for a in seen},
            {
                "BedrockThrottling": (["pages"], False),
                "BedrockQuotaNearLimit": ([], True),
                "BedrockQuotaSaturated": ([], True),
            },
        )
        texts = {a["alert"]: a["annotations"] for a in seen}
        self.assertEqual(
            texts["BedrockThrottling"]["summary"],
            "amazon.nova-pro-v1:0 (cross_region, us-east-1) is throttled: 25% of its calls are refused",
        )


class Differences(unittest.TestCase):
    def test_what_is_missing_and_what_is_unasked(self):
        def fired(name, **labels):
            return {"alert": name, "labels": {"alertname": name, **labels}, "firing": 1.0}

        alerts = [
            fired("A", model="x", scope="global"),
            fired("A", model="y"),
            fired("B"),
            {"alert": "C", "labels": {"alertname": "C"}, "pending": 1.0},
        ]
        self.assertEqual(
            live.differences(alerts, {"A": [{"model": "x"}, {"model": "z"}], "B": [{}], "C": [{}]}),
            [
                "did not fire: A {'model': 'z'}",
                "did not fire: C {}",
                "fired unasked: A {'alertname': 'A', 'model': 'y'}",
            ],
        )


if __name__ == "__main__":
    unittest.main()
