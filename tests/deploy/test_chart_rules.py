"""The chart's alerts are those of alerts/, whatever values they are made with."""

import shutil
import subprocess
import unittest

import alert_rules
import chart
import go_tools
import yaml


def setUpModule():
    go_tools.need("helm")


def groups(**prometheus_rule):
    return chart.of(prometheusRule={"enabled": True, **prometheus_rule})["PrometheusRule"]["spec"]["groups"]


def rendered(**prometheus_rule):
    return alert_rules.by_name(groups(**prometheus_rule))


class Rules(unittest.TestCase):
    maxDiff = None

    def test_by_default_they_are_the_files(self):
        self.assertEqual(rendered(), alert_rules.shipped())

    def test_with_other_values_they_are_what_the_generator_makes_of_these(self):
        self.assertEqual(rendered(values=alert_rules.OTHERS), alert_rules.with_others())

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
        labels = {"team": "platform", "severity": "none"}
        left = rendered(disabled=disabled, alertLabels=labels)["bedrock-throttling"][1]
        whole = alert_rules.shipped()["bedrock-throttling"][1]
        self.assertEqual([r["alert"] for r in left], [r["alert"] for r in whole if r["alert"] not in disabled])
        for rule in left:
            self.assertEqual(rule["labels"]["team"], "platform")
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
        said = chart.refusal(prometheusRule={"enabled": True, "disabled": ["BedrockThrotling"]})
        self.assertIn("found BedrockThrotling, expected the name of an alert", said)

    def test_the_job_is_known_by_the_chart_s_name(self):
        made = chart.of(nameOverride="quotas", prometheusRule={"enabled": True}, serviceMonitor={"enabled": True})
        alerts = [r for g in made["PrometheusRule"]["spec"]["groups"] for r in g["rules"]]
        down = next(r for r in alerts if r.get("alert") == "BedrockExporterDown")
        self.assertIn('up{job=~".*quotas.*"}', down["expr"])
        self.assertEqual(made["ServiceMonitor"]["spec"]["jobLabel"], "app.kubernetes.io/name")
        self.assertEqual(made["Service"]["metadata"]["labels"]["app.kubernetes.io/name"], "quotas")

    def test_promtool_accepts_them(self):
        for values in ({}, alert_rules.OTHERS):
            made = groups(values=values)
            self.assertEqual(alert_rules.check(made), "")
            self.assertNotIn("<<", yaml.safe_dump(made))


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
        if shutil.which("kubectl") is None:
            self.skipTest("kubectl is missing: deploy/kustomize is not built")
        built = subprocess.run(["kubectl", "kustomize", chart.REPOSITORY / "deploy/kustomize/base"], capture_output=True, text=True)
        made = {one["kind"]: one for one in yaml.safe_load_all(built.stdout)}
        volumes = made["StatefulSet"]["spec"]["template"]["spec"]["volumes"]
        self.assertEqual(volumes[0]["configMap"]["name"], made["ConfigMap"]["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
