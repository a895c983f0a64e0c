"""The mixin is the rules and dashboards that are checked in, and with other values what their generator makes of these."""

import json
import re
import unittest

import _gojsonnet
import alert_rules

MIXIN = alert_rules.REPOSITORY / "mixin" / "mixin.libsonnet"


def evaluated(expression):
    text = f"local mixin = import '{MIXIN}'; {expression}"
    return json.loads(_gojsonnet.evaluate_snippet("test.jsonnet", text))


def made(**config):
    mixin = f"(mixin + {{ _config+:: {json.dumps(config)} }})"
    return alert_rules.by_name(evaluated(f"{mixin}.prometheusAlerts.groups + {mixin}.prometheusRules.groups"))


class Mixin(unittest.TestCase):
    maxDiff = None

    def test_by_default_it_is_the_files(self):
        self.assertEqual(made(), alert_rules.shipped())
        files = {path.name: json.loads(path.read_text()) for path in (alert_rules.REPOSITORY / "dashboards").glob("*.json")}
        self.assertEqual(evaluated("mixin.grafanaDashboards"), files)

    def test_with_other_values_it_is_what_the_generator_makes_of_these(self):
        self.assertEqual(made(values=alert_rules.OTHERS), alert_rules.with_others())

    def test_alerts_are_left_out_and_labelled(self):
        groups = made(disabled=["BedrockThrottling"], alertLabels={"team": "platform"}).values()
        alerts = {rule["alert"]: rule for _, group in groups for rule in group if "alert" in rule}
        self.assertNotIn("BedrockThrottling", alerts)
        self.assertEqual({rule["labels"]["team"] for rule in alerts.values()}, {"platform"})

    def test_what_it_does_not_know_is_an_error_that_names_it(self):
        for config, expected in [
            ({"values": {"throttling": {"rato": 1}}}, "_config.values.throttling.rato: unknown, expected one of attempts, "),
            ({"values": {"throtling": {"ratio": 1}}}, "_config.values.throtling: unknown, expected one of budget_degraded, "),
            ({"disabled": ["BedrockThrotling"]}, "_config.disabled: found BedrockThrotling"),
        ]:
            with self.subTest(config), self.assertRaisesRegex(RuntimeError, expected.replace(".", r"\.")):
                made(**config)

    def test_the_readme_s_example_evaluates(self):
        example = re.search(r"```jsonnet\n(.*?)```", MIXIN.with_name("README.md").read_text(), re.S)[1]
        example = example.replace("bedrock-quota-exporter/mixin/mixin.libsonnet", str(MIXIN))
        written = json.loads(_gojsonnet.evaluate_snippet("example.jsonnet", example))
        self.assertEqual(len(written), 7)


if __name__ == "__main__":
    unittest.main()
