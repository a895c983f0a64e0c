"""A real Prometheus and Alertmanager on the demo, and on exporters that AWS fails: every query, every alert, a page's delay.

Ten to fifteen minutes, mostly waiting. BQE_BINARY names the exporter.
"""

import os
import tempfile
import time
import unittest
from pathlib import Path

import situations  # first: it says where the modules of the tests of alerts and dashboards are
from situations import TESTS, told

import demo
import faults
import live
import queries
import shards
import shipped

BINARY = os.environ.get("BQE_BINARY", str(TESTS.parent / "target/debug/bedrock-quota-exporter"))

# Alerts that no situation raises within minutes, each with its reason: only promtool tests these.
NOT_LIVE = {"BedrockExporterStuck": "a writer that is stuck cannot be had without a mistake in it"}

DEMO = FAULTS = SHARDS = None


def setUpModule():
    global DEMO, FAULTS, SHARDS
    with tempfile.TemporaryDirectory() as folder:
        DEMO, FAULTS, SHARDS = (each(BINARY, Path(folder)) for each in (demo.Demo, faults.Faults, shards.Shards))
        situations.together(DEMO.run(), FAULTS.run(), SHARDS.run())


class Coverage(unittest.TestCase):
    def test_every_alert_has_its_situation(self):
        raised = set(demo.EXPECTED) | set(demo.STOPPED) | set(faults.failing("", "")) | set(faults.lost("")) | set(shards.EXPECTED)
        alerts = {rule["alert"] for rule in shipped.all_rules() if "alert" in rule}
        self.assertEqual(raised | set(NOT_LIVE), alerts)
        self.assertEqual(raised & set(NOT_LIVE), set())


class Alerts:
    """Of a scenario: `watch`, `expected`, `mutes`."""

    def test_every_situation_raises_its_alerts_and_nothing_else_fires(self):
        self.assertEqual(live.differences(told(self.watch), self.expected), [])

    def test_pages_mute_their_tickets_and_nothing_else_is_muted(self):
        self.assertEqual(situations.muted(self.watch, self.expected), situations.spelled(self.mutes))

    def test_what_is_not_muted_is_told_to_whom_it_concerns(self):
        for alert in told(self.watch):
            receiver = "pages" if alert["labels"]["severity"] == "critical" else "tickets"
            if "firing" in alert and not alert["muted"]:
                self.assertEqual(list(alert["notified"]), [receiver], alert["labels"])


class OfTheDemo(Alerts, unittest.TestCase):
    def setUp(self):
        self.watch, self.expected, self.mutes = DEMO.seen, demo.EXPECTED, demo.MUTED

    def test_the_page_of_a_storm_arrives_within_the_documented_budget(self):
        self.assertIsNotNone(DEMO.delay, "no page")
        print(f"page of a storm: {DEMO.delay:.0f} s after the first refused call, of {DEMO.budget:.0f} s at most")
        self.assertLessEqual(DEMO.delay, DEMO.budget)

    def test_every_query_of_every_dashboard_answers(self):
        excused = queries.allowed()
        empty = {answer.name: answer.error for answer in DEMO.answers if not answer.rows}
        self.assertEqual({name: error for name, error in empty.items() if error or name not in excused}, {})
        print(f"dashboards on the demo: {len(DEMO.answers)} queries, {len(empty)} without an answer, all excused")

    def test_every_link_between_dashboards_leads_somewhere(self):
        self.assertEqual(DEMO.broken_links, [])

    def test_the_first_minute_is_answered_as_the_world_is(self):
        """Against src/sim/demo: who is refused and why, who spends, where is room, what runs out, how fresh."""
        told = DEMO.told
        self.assertGreater(told["share"], 0.05)
        causes = {("000000000000", "us-east-1", "deepseek.r1-v1:0"): "requests_per_minute",
                  ("000000000000", "us-west-2", "anthropic.claude-sonnet-4-6"): "reservation",
                  ("000000000001", "ap-northeast-1", "anthropic.claude-sonnet-4-5-20250929-v1:0"): "tokens_per_day",
                  ("000000000002", "eu-central-1", "anthropic.claude-opus-4-8"): "zero_quota",
                  # One of three that are refused together: the account's day, which nobody can measure.
                  ("000000000002", "eu-central-1", "amazon.nova-pro-v1:0"): "unknown"}
        self.assertEqual({where: told["causes"].get(where) for where in causes}, causes)
        self.assertLessEqual(told["accounts"], {"production", "research", "labs"})
        self.assertLessEqual({"search-assistant", "support-assistant"}, told["spenders"])
        self.assertTrue(told["room"] and min(told["room"].values()) >= 0)
        self.assertEqual(told["seconds left"]["anthropic.claude-sonnet-4-5-20250929-v1:0"], 0)
        until_midnight = demo.DAY - time.time() % demo.DAY
        self.assertTrue(0 < told["seconds left"]["qwen.qwen3-32b-v1:0"] <= until_midnight + 1200)
        self.assertLess(told["age"], shipped.values()["data_stale"]["seconds"])

    def test_a_stopped_exporter_pages_once(self):
        new = [alert for alert in DEMO.stopped.report() if alert["alert"].startswith("BedrockExporter")]
        self.assertEqual(live.differences(new, demo.STOPPED), [])
        self.assertEqual({alert["alert"] for alert in new if alert["muted"]}, set(demo.STOPPED_MUTED))


class OfTheFaults(Alerts, unittest.TestCase):
    def setUp(self):
        self.watch, self.expected, self.mutes = FAULTS.seen, FAULTS.expected, faults.MUTED

    def test_an_exporter_that_nobody_scrapes_pages(self):
        absent = FAULTS.absent.report()
        self.assertEqual(live.differences(absent, faults.ABSENT), [])
        self.assertEqual([list(alert["notified"]) for alert in absent], [["pages"]])


class OfTheShards(Alerts, unittest.TestCase):
    def setUp(self):
        self.watch, self.expected, self.mutes = SHARDS.seen, shards.EXPECTED, {}


if __name__ == "__main__":
    unittest.main()
