"""The Alertmanager example in a real Alertmanager: routes, groups, mutes."""

import contextlib
import tempfile
import unittest
from pathlib import Path

import servers
import shipped
from shipped import generate

MODEL = {"account_id": "111122223333", "region": "us-east-1", "model": "amazon.nova-pro-v1:0", "scope": "cross_region"}
MINUTE = {
    **MODEL,
    "endpoint": "runtime",
    "variant": "standard",
    "quota": "tokens_per_minute",
    "quota_code": "L-C0326783",
}
DAY = {**MINUTE, "quota": "tokens_per_day", "quota_code": "L-D690997B"}
TARGET = {"account_id": "111122223333", "region": "us-east-1"}
COLLECTOR = {**TARGET, "collector": "usage"}


class Alertmanager(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.hook = self.enterContext(servers.Webhook())
        self.severities = {rule["alert"]: rule["labels"]["severity"] for rule in shipped.all_rules() if "alert" in rule}
        urls = {"pages": f"{self.hook.url}/pages", "tickets": f"{self.hook.url}/tickets"}
        config = Path(folder, "alertmanager.yaml")
        config.write_text(generate.outputs(shipped.values(), 0.01, urls)[generate.EXAMPLE])
        self.url = self.enterContext(servers.alertmanager(folder, config))

    def fire(self, *alerts):
        """Each alert: its name and labels."""
        servers.post(
            f"{self.url}/api/v2/alerts",
            [{"labels": {"alertname": name, "severity": self.severities[name], **labels}} for name, labels in alerts],
        )

    def muted(self):
        return {
            (a["labels"]["alertname"], a["labels"].get("model") or a["labels"].get("region"), a["labels"].get("scope"))
            for a in servers.get(f"{self.url}/api/v2/alerts")
            if a["status"]["inhibitedBy"]
        }

    def assert_muted(self, expected):
        with contextlib.suppress(TimeoutError):
            servers.wait_until(lambda: self.muted() == expected, 5, "Alertmanager to sort the alerts")
        self.assertEqual(self.muted(), expected)

    def test_a_page_mutes_its_own_tickets(self):
        other = {**MODEL, "model": "amazon.nova-lite-v1:0"}
        self.fire(
            ("BedrockThrottling", MODEL),
            ("BedrockQuotaNearLimit", MINUTE),
            ("BedrockQuotaSaturated", MINUTE),
            ("BedrockThrottledByReservation", MODEL),
            ("BedrockQuotaLowered", MINUTE),
            ("BedrockZeroQuotaAttempted", MODEL),
            ("BedrockQuotaNearLimit", {**MINUTE, "scope": "global"}),
            ("BedrockQuotaNearLimit", {**MINUTE, **other}),
            ("BedrockThrottledByReservation", {**MODEL, "region": "eu-west-1"}),
            ("BedrockThrottledByReservation", {**MODEL, "account_id": "222233334444"}),
        )
        self.assert_muted(
            {
                (name, MODEL["model"], "cross_region")
                for name in ("BedrockQuotaNearLimit", "BedrockQuotaSaturated", "BedrockThrottledByReservation")
            }
        )

    def test_a_spent_day_mutes_the_minutes_of_its_scope(self):
        self.fire(
            ("BedrockDailyTokensGone", DAY),
            ("BedrockThrottling", MODEL),
            ("BedrockQuotaNearLimit", MINUTE),
            ("BedrockThrottling", {**MODEL, "scope": "global"}),
            ("BedrockQuotaLowered", DAY),
        )
        self.assert_muted(
            {
                ("BedrockThrottling", MODEL["model"], "cross_region"),
                ("BedrockQuotaNearLimit", MODEL["model"], "cross_region"),
            }
        )

    def test_a_spent_day_of_custom_deployments_mutes_nothing(self):
        self.fire(("BedrockDailyTokensGone", {**DAY, "variant": "custom_deployment"}), ("BedrockThrottling", MODEL))
        self.assert_muted(set())

    def test_a_spent_day_that_scopes_share_mutes_both(self):
        self.fire(
            ("BedrockDailyTokensGone", {**DAY, "scope": "regional"}),
            ("BedrockThrottling", MODEL),
            ("BedrockThrottling", {**MODEL, "scope": "on_demand"}),
            ("BedrockThrottling", {**MODEL, "scope": "global"}),
            ("BedrockThrottling", {**MODEL, "model": "amazon.nova-lite-v1:0"}),
        )
        self.assert_muted(
            {("BedrockThrottling", MODEL["model"], "cross_region"), ("BedrockThrottling", MODEL["model"], "on_demand")}
        )

    def test_many_models_make_one_page(self):
        models = [{**MODEL, "model": f"model-{n}"} for n in range(3)]
        self.fire(
            ("BedrockManyModelsThrottled", TARGET),
            *(("BedrockThrottling", model) for model in models),
            ("BedrockThrottling", {**MODEL, "region": "eu-west-1"}),
        )
        self.assert_muted({("BedrockThrottling", model["model"], "cross_region") for model in models})
        received = self.hook.wait(lambda received: len(received) >= 2, 30)
        self.assertEqual(
            {
                (path, a["labels"]["alertname"], a["labels"]["region"])
                for _, path, content in received
                for a in content["alerts"]
            },
            {("/pages", "BedrockManyModelsThrottled", "us-east-1"), ("/pages", "BedrockThrottling", "eu-west-1")},
        )

    def test_saturated_mutes_near_limit_of_the_same_quota(self):
        self.fire(
            ("BedrockQuotaSaturated", MINUTE),
            ("BedrockQuotaNearLimit", MINUTE),
            ("BedrockQuotaNearLimit", {**MINUTE, "model": "other", "quota": "requests_per_minute"}),
        )
        self.assert_muted({("BedrockQuotaNearLimit", MODEL["model"], "cross_region")})

    def test_a_blind_region_mutes_its_targets(self):
        self.fire(
            ("BedrockRegionBlind", {"region": "us-east-1"}),
            ("BedrockTargetDown", COLLECTOR),
            ("BedrockDataStale", TARGET),
            ("BedrockTargetDown", {**COLLECTOR, "region": "eu-west-1"}),
            ("BedrockCredentialsFailing", {**COLLECTOR, "class": "access_denied"}),
        )
        self.assert_muted({("BedrockTargetDown", "us-east-1", None), ("BedrockDataStale", "us-east-1", None)})

    def test_failing_credentials_mute_the_target_they_fail_for(self):
        self.fire(
            ("BedrockCredentialsFailing", {**COLLECTOR, "class": "access_denied"}),
            ("BedrockTargetDown", COLLECTOR),
            ("BedrockTargetDown", {**COLLECTOR, "region": "eu-west-1"}),
        )
        self.assert_muted({("BedrockTargetDown", "us-east-1", None)})

    def test_an_exporter_down_mutes_absence_and_staleness(self):
        self.fire(
            ("BedrockExporterDown", {"job": "bedrock-quota-exporter"}),
            ("BedrockExporterAbsent", {}),
            ("BedrockDataStale", TARGET),
            ("BedrockThrottling", MODEL),
        )
        self.assert_muted({("BedrockExporterAbsent", None, None), ("BedrockDataStale", "us-east-1", None)})

    def test_absence_mutes_staleness(self):
        self.fire(("BedrockExporterAbsent", {}), ("BedrockDataStale", TARGET))
        self.assert_muted({("BedrockDataStale", "us-east-1", None)})

    def test_pages_and_tickets_go_apart_and_are_grouped_by_account_region_and_model(self):
        self.fire(
            ("BedrockThrottling", MODEL),
            ("BedrockThrottling", {**MODEL, "scope": "global"}),
            ("BedrockQuotaLowered", MINUTE),
            ("BedrockQuotaLowered", {**MINUTE, "quota": "requests_per_minute"}),
            ("BedrockQuotaNearLimit", MINUTE),
            ("BedrockThrottling", {**MODEL, "model": "amazon.nova-lite-v1:0"}),
        )
        received = self.hook.wait(lambda received: len(received) >= 3, 30)
        told = sorted(
            (
                path,
                content["groupLabels"]["model"],
                sorted((a["labels"]["alertname"], a["labels"]["scope"]) for a in content["alerts"]),
            )
            for _, path, content in received
        )
        self.assertEqual(
            told,
            [
                ("/pages", "amazon.nova-lite-v1:0", [("BedrockThrottling", "cross_region")]),
                (
                    "/pages",
                    "amazon.nova-pro-v1:0",
                    [("BedrockThrottling", "cross_region"), ("BedrockThrottling", "global")],
                ),
                (
                    "/tickets",
                    "amazon.nova-pro-v1:0",
                    [("BedrockQuotaLowered", "cross_region"), ("BedrockQuotaLowered", "cross_region")],
                ),
            ],
        )
        self.assertEqual(
            {tuple(content["groupLabels"]) for _, _, content in received}, {("account_id", "model", "region")}
        )


if __name__ == "__main__":
    unittest.main()
