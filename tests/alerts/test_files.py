"""The files that are checked in: as generated, and as the tools want them."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

import catalogue
import shipped
import yaml
from shipped import ALERTS, generate
from tools import run


class Files(unittest.TestCase):
    maxDiff = None

    def test_files_are_as_generated(self):
        for name, text in generate.outputs(shipped.values()).items():
            with self.subTest(name):
                self.assertEqual((ALERTS / name).read_text(), text, "run python alerts/generate")

    def test_tables_in_the_docs_are_as_generated(self):
        text = generate.DOCS.read_text()
        self.assertEqual(text, generate.docs(text, shipped.values()), "run python alerts/generate")

    def test_promtool_accepts_the_rules(self):
        """By the glob that one types: nothing else lies beside them."""
        found = sorted(ALERTS.glob("*.yaml"))
        self.assertEqual({path.name for path in found}, set(generate.FILES))
        code, said = run("promtool", "check", "rules", *found)
        self.assertEqual(code, 0, said)

    def test_promtool_tests_pass(self):
        code, said = run("promtool", "test", "rules", *sorted((ALERTS / "tests").glob("*.yaml")))
        self.assertEqual(code, 0, said)

    def test_amtool_accepts_the_alertmanager_example(self):
        code, said = run("amtool", "check-config", ALERTS / generate.EXAMPLE)
        self.assertEqual(code, 0, said)

    def test_a_scale_shortens_waits_and_nothing_else(self):
        values = shipped.values()
        scale, one = generate.scaler(0.1), generate.scaler(1)
        quick, full = (yaml.safe_dump(generate.rule_files(values, s)) for s in (scale, one))
        self.assertNotEqual(quick, full)
        shortened = re.compile(r"^( *(?:- )?(?:for|interval): ).*$", re.M)
        self.assertEqual(shortened.sub(r"\1", quick), shortened.sub(r"\1", full))
        self.assertEqual([scale(t) for t in ("10m", "30s", "2s", "0s")], ["60s", "3s", "1s", "0s"])

    def test_the_command_line_writes_other_thresholds_and_links_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:
            mine = Path(folder, "mine.yaml")
            mine.write_text(
                (generate.HERE / "values.yaml")
                .read_text()
                .replace("https://grafana.example.com", "https://grafana.corp")
                .replace("ratio: 0.05", "ratio: 0.07")
            )
            code, said = run(sys.executable, ALERTS / "generate", "--values", mine, "--out", Path(folder, "out"))
            self.assertEqual(code, 0, said)
            text = Path(folder, "out", "bedrock-quotas.yaml").read_text()
        self.assertIn('window="5m"}) > 0.07', text)
        self.assertIn("dashboard_url: https://grafana.corp/d/bedrock-quota-model?", text)
        self.assertNotIn("0.05", text)


class Delay(unittest.TestCase):
    def test_the_delay_to_the_page_is_the_sum_of_its_parts(self):
        values = shipped.values()
        self.assertEqual(sum(generate.delay(values).values()), 390)
        values["groups"]["throttling"] = "1m"
        values["throttling"]["for"] = "1m"
        self.assertEqual(sum(generate.delay(values).values()), 390 + 45 + 60)

    def test_the_parts_are_the_defaults_of_the_exporter(self):
        config = yaml.safe_load((shipped.REPOSITORY / "config.example.yaml").read_text())
        usage, timing = config["usage"], shipped.values()["timing"]
        self.assertEqual(
            {name: timing[name] for name in timing if name not in ("collection_seconds", "samples_step")},
            {
                "publishing_delay_seconds": generate.seconds(usage["delay"]),
                "cadence_seconds": generate.seconds(usage["interval"]),
                "normal_cadence_seconds": generate.seconds(usage["normal_interval"]),
                "idle_cadence_seconds": generate.seconds(usage["idle_interval"]),
                "lookback_seconds": generate.seconds(usage["lookback"]),
                "scrape_seconds": generate.seconds(config["scrape_interval"]),
            },
        )
        for alert in ("near_limit", "saturated"):
            self.assertIn(shipped.values()[alert]["ratio"], usage["thresholds"])


class Docs(unittest.TestCase):
    """Figures in prose that the generator does not write."""

    def test_runbooks_tell_the_thresholds(self):
        v = shipped.values()
        percent = lambda ratio: f"{ratio * 100:g}%"  # noqa: E731
        minutes = lambda seconds: f"{seconds // 60} "  # noqa: E731
        figures = {
            "BedrockThrottling": [percent(v["throttling"]["ratio"]), f"at least {v['throttling']['attempts']} calls"],
            "BedrockThrottledByReservation": [percent(v["reservation"]["ratio"])],
            "BedrockManyModelsThrottled": [percent(v["many_models"]["ceiling"])],
            "BedrockCapacityErrors": [
                percent(v["capacity"]["ratio"]),
                f"at least {v['capacity']['errors']} of them",
                percent(v["capacity"]["throttle_ratio"]),
            ],
            "BedrockQuotaNearLimit": [percent(v["near_limit"]["ratio"]), minutes(v["near_limit"]["above_seconds"])],
            "BedrockQuotaSaturated": [
                percent(v["saturated"]["ratio"]),
                minutes(v["saturated"]["above_seconds"]),
                percent(v["saturated"]["samples"]),
            ],
            "BedrockQuotaLowered": [f"{v['quota_lowered']['hours']} hours"],
            "BedrockUnmappedTraffic": [f"{v['unmapped']['minutes']} minutes"],
            "BedrockProvisionedCommitmentEnding": [f"{v['provisioned_commitment']['days']} days"],
            "BedrockModelNearEndOfLife": [f"{v['end_of_life']['days']} days"],
            "BedrockIncreaseRequestOld": [f"{v['increase_request']['days']} days"],
            "BedrockTargetsLost": [f"{v['targets_lost']['hours']} hours"],
            "BedrockDataStale": [f"{v['data_stale']['seconds'] // 60} minutes"],
            "BedrockRegionBlind": [f"{v['data_stale']['seconds'] // 60} minutes"],
        }
        runbooks = shipped.runbooks()
        for name, texts in figures.items():
            meaning = runbooks[name].split("## Impact")[0].replace("\n", " ")
            for text in texts:
                with self.subTest(name, text=text):
                    self.assertIn(text, meaning)

    def test_docs_name_only_metrics_and_alerts_that_exist(self):
        known = set(catalogue.read().labels)
        alerts = {rule["alert"] for rule in shipped.all_rules() if "alert" in rule}
        for name, text in {**shipped.runbooks(), "ALERTS": generate.DOCS.read_text()}.items():
            with self.subTest(name):
                self.assertLessEqual(set(re.findall(r"\bbedrock_\w+", text)), known)
                self.assertLessEqual(set(re.findall(r"\bBedrock[A-Z]\w+", text)), alerts)

    def test_links_between_docs_lead_somewhere(self):
        for path in [generate.DOCS, *shipped.RUNBOOKS.glob("*.md")]:
            for link in re.findall(r"\]\(([\w./-]+)\)", path.read_text()):
                with self.subTest(path.name, link=link):
                    self.assertTrue((path.parent / link).exists())

    def test_the_table_of_mutes_is_the_example_config(self):
        rows = re.findall(r"^\| (Bedrock\w+) \| ([^|]*) \|", generate.DOCS.read_text(), re.M)
        told = {(source, target) for source, targets in rows for target in targets.split(", ")}
        config = yaml.safe_load((ALERTS / generate.EXAMPLE).read_text())
        done = {
            (source, target)
            for rule in config["inhibit_rules"]
            for source in alertnames(rule["source_matchers"])
            for target in alertnames(rule["target_matchers"])
        }
        self.assertEqual(told, done)


def alertnames(matchers):
    return re.findall(r"\w+", next(m for m in matchers if m.startswith("alertname")).split("=", 1)[1])


if __name__ == "__main__":
    unittest.main()
