"""The mixin is the rules and dashboards that are checked in, and with other values what their generator makes of these."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import _gojsonnet
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MIXIN = REPOSITORY / "mixin" / "mixin.libsonnet"
OTHERS = {
    "links": {"grafana": "https://grafana.example.org"},
    "groups": {"throttling": "15s"},
    "throttling": {"ratio": 0.07, "throttled_seconds": 180, "attempts": 1000, "for": "2m"},
    "saturated": {"hours": 6, "samples": 0.8},
    "many_models": {"ceiling": 0.55},
    "data_stale": {"seconds": 1800},
}


def evaluated(expression):
    text = f"local mixin = import '{MIXIN}'; {expression}"
    return json.loads(_gojsonnet.evaluate_snippet("test.jsonnet", text))


def rules(config):
    made = f"(mixin + {{ _config+:: {json.dumps(config)} }})"
    return plain(evaluated(f"{made}.prometheusAlerts.groups + {made}.prometheusRules.groups"))


def generated(folder):
    names = ("bedrock-quotas.yaml", "bedrock-exporter.yaml", "bedrock-recording.yaml")
    return plain([group for name in names for group in yaml.safe_load(Path(folder, name).read_text())["groups"]])


def plain(groups):
    """`for: 0s` is the same as none."""
    for group in groups:
        group["rules"] = [{k: v for k, v in rule.items() if (k, v) != ("for", "0s")} for rule in group["rules"]]
    return groups


class Mixin(unittest.TestCase):
    maxDiff = None

    def test_by_default_it_is_the_files(self):
        self.assertEqual(rules({}), generated(REPOSITORY / "alerts"))
        files = {path.name: json.loads(path.read_text()) for path in (REPOSITORY / "dashboards").glob("*.json")}
        self.assertEqual(evaluated("mixin.grafanaDashboards"), files)

    def test_with_other_values_it_is_what_the_generator_makes_of_these(self):
        values = yaml.safe_load((REPOSITORY / "alerts/generate/values.yaml").read_text())
        for section, changes in OTHERS.items():
            values[section] |= changes
        with tempfile.TemporaryDirectory() as folder:
            mine = Path(folder, "mine.yaml")
            mine.write_text(yaml.safe_dump(values))
            subprocess.run([sys.executable, REPOSITORY / "alerts/generate", "--values", mine, "--out", folder], check=True)
            self.assertEqual(rules({"values": OTHERS}), generated(folder))

    def test_alerts_are_left_out_and_labelled(self):
        made = rules({"disabled": ["BedrockThrottling"], "alertLabels": {"team": "platform"}})
        alerts = {rule["alert"]: rule for group in made for rule in group["rules"] if "alert" in rule}
        self.assertNotIn("BedrockThrottling", alerts)
        self.assertEqual({rule["labels"]["team"] for rule in alerts.values()}, {"platform"})

    def test_what_it_does_not_know_is_an_error_that_names_it(self):
        for config, expected in [
            ({"values": {"throttling": {"rato": 1}}}, "_config.values.throttling.rato: unknown, expected one of attempts, "),
            ({"values": {"throtling": {"ratio": 1}}}, "_config.values.throtling: unknown, expected one of budget_degraded, "),
            ({"disabled": ["BedrockThrotling"]}, "_config.disabled: found BedrockThrotling"),
        ]:
            with self.subTest(config), self.assertRaisesRegex(RuntimeError, expected.replace(".", r"\.")):
                rules(config)

    def test_the_readme_s_example_evaluates(self):
        example = re.search(r"```jsonnet\n(.*?)```", MIXIN.with_name("README.md").read_text(), re.S)[1]
        example = example.replace("bedrock-quota-exporter/mixin/mixin.libsonnet", str(MIXIN))
        made = json.loads(_gojsonnet.evaluate_snippet("example.jsonnet", example))
        self.assertEqual(len(made), 7)


if __name__ == "__main__":
    unittest.main()
