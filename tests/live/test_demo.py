"""The demo as an on-call engineer has it: days of its past, a real Prometheus and Alertmanager, every dashboard and alert.

One demo is watched by two pairs of servers for about ten minutes: one whose `for`, group intervals and Alertmanager's waits
are a tenth as long, for everything that fires; one unscaled, for the delay of a page. BQE_BINARY names the exporter.
"""

import contextlib
import datetime
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "alerts"), str(TESTS / "dashboards")]

import live  # noqa: E402
import queries  # noqa: E402
import servers  # noqa: E402
import shipped  # noqa: E402

BINARY = os.environ.get("BQE_BINARY", str(TESTS.parent / "target/debug/bedrock-quota-exporter"))
SCALE = 0.1
SCRAPE_SECONDS = 10
# The demo lowers a quota below its steady use so many seconds after its start; it holds from the next whole minute on.
LOWERED_AFTER = 120


def target(account, region, **labels):
    return {"account_id": f"00000000000{account}", "region": region, **labels}


DEEPSEEK = target(0, "us-east-1", model="deepseek.r1-v1:0", scope="cross_region")
SONNET_4_5 = target(0, "us-east-1", model="anthropic.claude-sonnet-4-5-20250929-v1:0", scope="cross_region")
SONNET_4_6 = target(0, "us-west-2", model="anthropic.claude-sonnet-4-6", scope="cross_region")
OPUS_4_5 = target(1, "us-east-1", model="anthropic.claude-opus-4-5-20251101-v1:0", scope="cross_region")
OPUS_4_1 = target(2, "us-east-1", model="anthropic.claude-opus-4-1-20250805-v1:0")
GPT_OSS = target(2, "us-east-1", model="openai.gpt-oss-20b-1:0", scope="on_demand")
DELETED = target(2, "us-east-1", model_id="gone5t2r8y4u", reason="unknown_id")
NOVA_PRO = target(2, "us-west-2", model="amazon.nova-pro-v1:0", scope="cross_region")
OPUS_4_8 = target(2, "eu-central-1", model="anthropic.claude-opus-4-8", scope="cross_region")
SONIC = target(2, "ap-northeast-1", model_id="amazon.nova-2-5-sonic", reason="no_quota")

# What the situations of the demo (src/sim/demo.rs) call for. Nothing else may fire.
EXPECTED = {
    "BedrockThrottling": [DEEPSEEK, SONNET_4_6, OPUS_4_5, NOVA_PRO],
    "BedrockThrottledByReservation": [SONNET_4_6, OPUS_4_5],
    "BedrockCapacityErrors": [GPT_OSS],
    "BedrockQuotaNearLimit": [DEEPSEEK, SONNET_4_5, NOVA_PRO],
    "BedrockQuotaSaturated": [DEEPSEEK, SONNET_4_5],
    "BedrockZeroQuotaAttempted": [OPUS_4_8],
    "BedrockUnmappedTraffic": [DELETED, SONIC],
    "BedrockQuotaLowered": [NOVA_PRO],
    # AWS cannot look up the value of one of its rows.
    "BedrockTargetDown": [target(2, "ap-northeast-1", collector="quotas")],
}
MUTED = {
    "BedrockThrottledByReservation": [SONNET_4_6, OPUS_4_5],
    "BedrockQuotaNearLimit": [DEEPSEEK, SONNET_4_5, NOVA_PRO],
    "BedrockQuotaSaturated": [DEEPSEEK],
}
# Traffic that follows the day, in bursts: at the hour of its peak a burst may reach a limit, as it would in life.
BURSTY = [
    target(0, "eu-central-1", model="anthropic.claude-sonnet-4-6"),
    target(1, "us-east-1", model="anthropic.claude-sonnet-4-6"),
    target(1, "us-east-1", model="twelvelabs.pegasus-1-2-v1:0"),
    target(1, "ap-northeast-1", model="amazon.nova-lite-v1:0"),
]
OF_BURSTS = {"BedrockThrottling", "BedrockThrottledByReservation", "BedrockQuotaNearLimit"}
# A model of the public lists that comes to its end: whether it is near depends on the day of the test.
END_OF_LIFE = datetime.date(2027, 1, 8)


def expected():
    near = END_OF_LIFE - datetime.date.today() < datetime.timedelta(days=shipped.values()["end_of_life"]["days"])
    return EXPECTED | ({"BedrockModelNearEndOfLife": [OPUS_4_1]} if near else {})


def of_a_burst(alert):
    return alert["alert"] in OF_BURSTS and any(labels.items() <= alert["labels"].items() for labels in BURSTY)


def told(watch):
    return [alert for alert in watch.report() if not of_a_burst(alert)]


def spelled(alerts):
    """Alerts as the names and labels of `EXPECTED`."""
    return {
        (name, str(labels))
        for name, situations in alerts.items()
        for labels in situations
    }


class Demo:
    """The demo on a port of its own, with a file of its past. It starts early in a minute, so that the test knows in
    which minute the quota is lowered."""

    def __init__(self, folder):
        self.folder, self.url = Path(folder), f"http://127.0.0.1:{servers.free_port()}"
        self.past, self.address = self.folder / "past.om", f"--web.listen-address={self.url.removeprefix('http://')}"

    def __enter__(self):
        # Growth per day needs two midnights.
        with self.past.open("w") as out:
            command = [BINARY, "demo", "--backfill=52h", "--backfill.step=5m", self.address]
            subprocess.run(command, stdout=out, check=True)
        servers.wait_until(lambda: 5 <= time.time() % 60 < 40, 60, "the next minute")
        self.started = time.time()
        self.log = (self.folder / "demo.log").open("w")
        self.process = subprocess.Popen([BINARY, "demo", self.address], stderr=self.log)
        servers.wait_until(lambda: urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close() or True, 120, "the demo")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    @property
    def storm(self):
        """When the first call is refused: the quota is lowered below its steady use."""
        return (self.started + LOWERED_AFTER) // 60 * 60 + 60


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.budget = sum(live.generate.delay(shipped.values()).values())
        with Demo(folder) as demo, contextlib.ExitStack() as running:
            cls.began = demo.storm
            metrics = f"{demo.url}/metrics"
            slow = running.enter_context(live.stack(metrics, 1, shipped.values()["timing"]["scrape_seconds"]))
            quick = running.enter_context(live.stack(metrics, SCALE, SCRAPE_SECONDS, demo.past))
            cls.delay, cls.seen = None, live.Watch()

            def over():
                cls.seen.look(*quick)
                cls.delay = cls.delay or page(slow[2], NOVA_PRO, cls.began)
                return cls.delay and not cls.open()

            until(over, cls.began + cls.budget + 120 - time.time())
            cls.answers = queries.check(queries.Prometheus(quick[0]))
            demo.process.terminate()
            cls.gone = live.Watch()

            def noticed():
                cls.gone.look(*quick)
                return {"BedrockExporterDown", "BedrockExporterAbsent"} <= cls.gone.dealt_with()

            until(noticed, 120)

    @classmethod
    def open(cls):
        """What is still to come, or to be muted."""
        missing = live.differences(told(cls.seen), expected())
        return [line for line in missing if line.startswith("did not")] or spelled(MUTED) - cls.muted()

    @classmethod
    def muted(cls):
        muted = [alert for alert in told(cls.seen) if alert["muted"]]
        return {
            (alert["alert"], str(labels))
            for alert in muted
            for labels in EXPECTED.get(alert["alert"], [alert["labels"]])
            if labels.items() <= alert["labels"].items()
        }

    def test_every_situation_raises_its_alerts_and_nothing_else_fires(self):
        self.assertEqual(live.differences(told(self.seen), expected()), [])

    def test_pages_mute_their_tickets_and_nothing_else_is_muted(self):
        self.assertEqual(self.muted(), spelled(MUTED))

    def test_what_is_not_muted_is_told_to_whom_it_concerns(self):
        for alert in told(self.seen):
            receiver = "pages" if alert["labels"]["severity"] == "critical" else "tickets"
            if "firing" in alert and not alert["muted"]:
                self.assertEqual(list(alert["notified"]), [receiver], alert["labels"])

    def test_the_page_of_a_storm_arrives_within_the_documented_budget(self):
        self.assertIsNotNone(self.delay, f"no page within {self.budget + 120} s")
        print(f"page of a storm: {self.delay:.0f} s after the first refused call, of {self.budget} s at most")
        self.assertLessEqual(self.delay, self.budget)

    def test_every_query_of_every_dashboard_answers(self):
        excused = queries.allowed()
        empty = {answer.name: answer.error for answer in self.answers if not answer.rows}
        self.assertEqual({name: error for name, error in empty.items() if error or name not in excused}, {})
        print(f"dashboards on the demo: {len(self.answers)} queries, {len(empty)} without an answer, all excused")

    def test_a_stopped_exporter_pages_once(self):
        new = [alert for alert in self.gone.report() if alert["alert"].startswith("BedrockExporter") and "firing" in alert]
        self.assertEqual({alert["alert"]: bool(alert["muted"]) for alert in new},
                         {"BedrockExporterDown": False, "BedrockExporterAbsent": True})


def until(true, seconds):
    """Looks every second until it is true, or so many seconds have passed."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        threading.Event().wait(1)


def page(hook, labels, began):
    """Seconds from `began` to the first page of throttling with these labels."""
    with hook.lock:
        received = list(hook.received)
    for at, path, content in received:
        for alert in content["alerts"]:
            if path == "/pages" and alert["labels"]["alertname"] == "BedrockThrottling" and labels.items() <= alert["labels"].items():
                return at - began
    return None


if __name__ == "__main__":
    unittest.main()
