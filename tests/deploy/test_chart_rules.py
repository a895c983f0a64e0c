"""The chart's alerts are those of alerts/, whatever values they are made with."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import chart
import go_tools
import yaml

ALERTS = chart.REPOSITORY / "alerts"
RULES = ("bedrock-quotas.yaml", "bedrock-exporter.yaml", "bedrock-recording.yaml")
# Every kind of value: ratios, whole numbers, durations, links, evaluation intervals.
OTHERS = {
    "links": {"runbooks": "https://git.example.org/runbooks", "grafana": "https://grafana.example.org"},
    "groups": {"throttling": "15s"},
    "throttling": {"ratio": 0.07, "throttled_seconds": 180, "attempts": 1000, "for": "2m", "keep_firing_for": "5m"},
    "many_models": {"ceiling": 0.55, "for": "1m"},
    "near_limit": {"ratio": 0.8, "above_seconds": 300, "for": "0s"},
    "saturated": {"hours": 6, "samples": 0.8},
    "quota_lowered": {"hours": 12},
    "shard_missing": {"settled": "20m"},
    "data_stale": {"seconds": 1800},
    "exporter": {"job": "quotas|.*bedrock.*"},
}


def setUpModule():
    go_tools.need("helm")


def rendered(**prometheus_rule):
    groups = chart.of(prometheusRule={"enabled": True, **prometheus_rule})["PrometheusRule"]["spec"]["groups"]
    return {group["name"]: (group["interval"], plain(group["rules"])) for group in groups}


def generated(folder):
    groups = [group for name in RULES for group in yaml.safe_load(Path(folder, name).read_text())["groups"]]
    return {group["name"]: (group["interval"], plain(group["rules"])) for group in groups}


def plain(rules):
    """`for: 0s` is the same as none."""
    return [{key: value for key, value in rule.items() if (key, value) != ("for", "0s")} for rule in rules]


class Rules(unittest.TestCase):
    maxDiff = None

    def test_by_default_they_are_the_files(self):
        self.assertEqual(rendered(), generated(ALERTS))

    def test_with_other_values_they_are_what_the_generator_makes_of_these(self):
        values = yaml.safe_load((ALERTS / "generate" / "values.yaml").read_text())
        for section, changes in OTHERS.items():
            values[section] |= changes
        with tempfile.TemporaryDirectory() as folder:
            mine = Path(folder, "mine.yaml")
            mine.write_text(yaml.safe_dump(values))
            command = [sys.executable, ALERTS / "generate", "--values", mine, "--out", folder]
            subprocess.run(command, check=True)
            expected = generated(folder)
        self.assertEqual(rendered(values=OTHERS), expected)

    def test_an_unknown_value_is_refused_by_its_name(self):
        for values, expected in [
            ({"throttling": {"rato": 1}}, "prometheusRule.values.throttling.rato: unknown, expected one of attempts, for,"),
            ({"throtling": {"ratio": 1}}, "prometheusRule.values.throtling: unknown, expected one of"),
            ({"timing": {"lookback_seconds": 60}}, "prometheusRule.values.timing: unknown"),
            ({"throttling": {"ratio": "high"}}, "throttling.ratio: found high, expected a number such as 0.05"),
            ({"throttling": {"for": 60}}, "throttling.for: found 60, expected a text such as 0s"),
        ]:
            with self.subTest(values):
                self.assertIn(expected, chart.refusal(prometheusRule={"enabled": True, "values": values}))

    def test_alerts_are_left_out_by_name_and_labelled(self):
        disabled = ["BedrockThrottling", "BedrockCapacityErrors"]
        rules = rendered(disabled=disabled, alertLabels={"team": "platform", "severity": "none"})["bedrock-throttling"][1]
        whole = generated(ALERTS)["bedrock-throttling"][1]
        self.assertEqual([r["alert"] for r in rules], [r["alert"] for r in whole if r["alert"] not in disabled])
        for rule in rules:
            self.assertEqual(rule["labels"]["team"], "platform")
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
        said = chart.refusal(prometheusRule={"enabled": True, "disabled": ["BedrockThrotling"]})
        self.assertIn("found BedrockThrotling, expected the name of an alert", said)

    def test_the_job_is_known_by_the_chart_s_name(self):
        made = chart.of(nameOverride="quotas", prometheusRule={"enabled": True}, serviceMonitor={"enabled": True})
        rules = [r for g in made["PrometheusRule"]["spec"]["groups"] for r in g["rules"]]
        down = next(r for r in rules if r.get("alert") == "BedrockExporterDown")
        self.assertIn('up{job=~".*quotas.*"}', down["expr"])
        self.assertEqual(made["ServiceMonitor"]["spec"]["jobLabel"], "app.kubernetes.io/name")
        self.assertEqual(made["Service"]["metadata"]["labels"]["app.kubernetes.io/name"], "quotas")

    def test_promtool_accepts_them(self):
        for values in ({}, OTHERS):
            groups = chart.of(prometheusRule={"enabled": True, "values": values})["PrometheusRule"]["spec"]["groups"]
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "rules.yaml")
                file.write_text(yaml.safe_dump({"groups": groups}))
                done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn("<<", file.read_text())


class InStep(unittest.TestCase):
    """What deploy/helm/generate writes is as it would write it now."""

    maxDiff = None
    AGAIN = "run python deploy/helm/generate"

    def test_rules(self):
        import chart_rules

        for name, text in chart_rules.files().items():
            self.assertEqual((chart.CHART / "files" / "rules" / name).read_text(), text, self.AGAIN)

    def test_readme(self):
        import readme

        self.assertEqual((chart.CHART / "README.md").read_text(), readme.text(chart.CHART), self.AGAIN)

    def test_kustomize(self):
        import kustomize

        self.assertEqual(kustomize.OBJECTS.read_text(), kustomize.objects(go_tools.need("helm"), chart.CHART), self.AGAIN)

    def test_the_kustomization_gives_the_pod_its_config(self):
        import shutil

        if shutil.which("kubectl") is None:
            self.skipTest("kubectl is missing: deploy/kustomize is not built")
        built = subprocess.run(["kubectl", "kustomize", chart.REPOSITORY / "deploy/kustomize/base"], capture_output=True, text=True)
        made = {one["kind"]: one for one in yaml.safe_load_all(built.stdout)}
        volumes = made["StatefulSet"]["spec"]["template"]["spec"]["volumes"]
        self.assertEqual(volumes[0]["configMap"]["name"], made["ConfigMap"]["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
