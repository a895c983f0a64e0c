"""The checked-in files are what the generator makes, and it draws the alerts' own numbers."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DASHBOARDS = REPOSITORY / "dashboards"
VALUES = REPOSITORY / "alerts" / "generate" / "values.yaml"
sys.path.insert(0, str(DASHBOARDS / "generate"))

import catalogue  # noqa: E402
import documentation  # noqa: E402
import expressions  # noqa: E402
import lint  # noqa: E402
import output  # noqa: E402
from words import CAUSES, STATES  # noqa: E402

CONFIG_MAP_BYTES = 1 << 20
REMAKE = "run: python dashboards/generate"


def steps_drawn(made):
    """(dashboard, panel, column or None) → the threshold steps above the base."""
    drawn = {}
    for text in made.values():
        dashboard = json.loads(text)
        for panel in documentation.panels(dashboard):
            config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
            given = [(None, config["defaults"].get("thresholds"))]
            given += [(o["matcher"]["options"], p["value"]) for o in config["overrides"] for p in o["properties"]
                      if p["id"] == "thresholds"]
            for column, thresholds in given:
                steps = [s["value"] for s in thresholds["steps"] if s["value"] is not None] if thresholds else []
                if steps:
                    drawn[dashboard["title"].removeprefix("Bedrock / "), panel["title"], column] = steps
    return drawn


class Generated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = output.files(VALUES)

    def test_checked_in_dashboards_are_what_the_generator_makes(self):
        self.assertEqual(sorted(self.made), sorted(p.name for p in DASHBOARDS.glob("*.json")), REMAKE)
        for name, text in self.made.items():
            self.assertTrue((DASHBOARDS / name).read_text() == text, f"{name} differs; {REMAKE}")

    def test_docs_tables_are_what_the_panels_say(self):
        text = documentation.PAGE.read_text()
        self.assertTrue(documentation.page(text, self.made) == text, f"docs/DASHBOARDS.md differs; {REMAKE}")

    def test_kubernetes_gets_every_dashboard(self):
        kustomization = yaml.safe_load((DASHBOARDS / "kustomization.yaml").read_text())
        given = [name for each in kustomization["configMapGenerator"] for name in each["files"]]
        self.assertEqual(sorted(given), sorted(self.made))
        self.assertLess(sum(len(text.encode()) for text in self.made.values()), CONFIG_MAP_BYTES)

    def test_making_it_twice_gives_the_same(self):
        self.assertEqual(output.files(VALUES), self.made)

    def test_lines_on_panels_are_the_alerts_thresholds(self):
        values = yaml.safe_load(VALUES.read_text())
        near = [values["near_limit"]["ratio"], 1]
        throttled = values["throttling"]["ratio"]
        stale = [values["data_stale"]["seconds"]]
        drawn = steps_drawn(self.made)
        expected = {
            ("Quota overview", "Utilization over time", None): near,
            ("Quota overview", "Highest utilization", None): near,
            ("Quota overview", "Utilization ranking", "Peak"): near,
            ("Quota overview", "Quota inventory", "Ratio"): near,
            ("Quota overview", "Data age", None): stale,
            ("Model", "Data age", None): stale,
            ("Exporter", "Data age", None): stale,
            ("Model", "Throttles over utilization", None): near,
            ("Model", "Observed ceiling", None): [values["many_models"]["ceiling"]],
            ("Capacity", "Provisioned throughput", "Days left"): [values["provisioned_commitment"]["days"]],
            ("Capacity", "Commitment ends", None): [values["provisioned_commitment"]["days"]],
            ("Capacity", "Open increase requests", "Days open"): [values["increase_request"]["days"]],
            ("Capacity", "Oldest request", None): [values["increase_request"]["days"]],
            ("Fleet", "Oldest data", None): stale,
            ("Fleet", "Accounts and regions", "Age"): stale,
            ("Exporter", "Age over interval", None): [values["target_down"]["intervals"]],
        }
        self.assertEqual({where: drawn.get(where) for where in expected}, expected)
        for where in [("Quota overview", "Throttled share", None), ("Quota overview", "Throttled now", "Refused"),
                      ("Model", "Throttled share", None)]:
            self.assertEqual(drawn[where][-1], throttled, where)

    def test_other_values_move_every_line_that_shows_them(self):
        values = yaml.safe_load(VALUES.read_text())
        values["near_limit"]["ratio"], values["throttling"]["ratio"] = 0.77, 0.033
        values["data_stale"]["seconds"] = 777
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "values.yaml"
            path.write_text(yaml.safe_dump(values))
            moved = steps_drawn(output.files(path))
        new = {0.9: 0.77, 0.05: 0.033, 1200: 777}
        self.assertEqual(
            moved, {where: [new.get(step, step) for step in steps] for where, steps in steps_drawn(self.made).items()})

    def test_label_values_are_those_of_the_catalogue(self):
        words = catalogue.read().words
        self.assertEqual(sorted(CAUSES), sorted(words["cause"]))
        self.assertEqual(sorted(STATES), sorted(words["state"]))
        asked = {}
        for dashboard in map(json.loads, self.made.values()):
            for _, _, tree in lint.trees(dashboard):
                for selector, _ in expressions.selectors(tree):
                    for label, _, value in expressions.matchers(selector):
                        # An empty value asks for series without the label.
                        if value and not value.startswith("$"):
                            asked.setdefault(label, set()).update(value.split("|"))
        self.assertIn("state", asked)
        self.assertEqual({label: sorted(each - set(words[label])) for label, each in asked.items()},
                         {label: [] for label in asked})


if __name__ == "__main__":
    unittest.main()
