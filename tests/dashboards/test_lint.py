"""The dashboards hold every rule, and every rule finds its broken example."""

import copy
import json
import unittest

import lint

OVERVIEW = lint.DASHBOARDS / "bedrock-quota-overview.json"
MODEL = lint.DASHBOARDS / "bedrock-quota-model.json"
MOST_EXCLUSIONS = 5

RATIO = 'bedrock_quota_utilization_peak_ratio{job=~"$job", instance=~"$instance"}'
THROTTLES = 'bedrock_invocation_throttles_total{job=~"$job", instance=~"$instance"}'
OUTPUT = 'bedrock_output_tokens_total{job=~"$job", instance=~"$instance"}'
IDENTITY = "account_id, region, endpoint, model, scope, variant, quota, quota_code"


def panel(dashboard, title):
    return next(p for p in lint.panels(dashboard) if p["title"] == title)


def variable(dashboard, name):
    return lint.variable(dashboard, name)


def breaks(**at):
    """A broken example: sets keys of the dashboard."""
    return lambda dashboard: dashboard.update(at)


def breaks_panel(which, **at):
    return lambda dashboard: panel(dashboard, which).update(at)


def breaks_query(expr, title="Utilization over time"):
    return lambda dashboard: panel(dashboard, title)["targets"][0].update(expr=expr, interval="5m")


def breaks_variable(which, **at):
    return lambda dashboard: variable(dashboard, which).update(at)


def without_variable(name):
    return lambda dashboard: dashboard["templating"]["list"].remove(variable(dashboard, name))


def breaks_defaults(which, **at):
    return lambda dashboard: panel(dashboard, which)["fieldConfig"]["defaults"].update(at)


def breaks_column(which, column, **at):
    """Sets override properties, `__` in a key standing for a dot."""
    def mutate(dashboard):
        for override in panel(dashboard, which)["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] == column:
                for each in override["properties"]:
                    each["value"] = at.get(each["id"].replace(".", "__"), each["value"])
    return mutate


def solid_line(dashboard):
    panel(dashboard, "Utilization over time")["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] = "line"


def legend_at_the_right(dashboard):
    panel(dashboard, "Utilization over time")["options"]["legend"]["placement"] = "right"


def overlapping(dashboard):
    panel(dashboard, "Data age")["gridPos"]["x"] -= 1


def twenty_six_queries(dashboard):
    one = panel(dashboard, "Data age")
    dashboard["panels"] += [copy.deepcopy(one) for _ in range(lint.QUERIES_ON_OPEN)]


def same_ids(dashboard):
    dashboard["panels"][1]["id"] = dashboard["panels"][0]["id"]


def open_repeated_row(dashboard):
    dashboard["panels"].append({"type": "row", "title": "$region", "repeat": "region", "collapsed": False,
                                "panels": []})


def breaks_link(**at):
    return lambda dashboard: dashboard["links"][0].update(at)


def breaks_link_url(old, new):
    return lambda dashboard: dashboard["links"][0].update(url=dashboard["links"][0]["url"].replace(old, new))


def without_null(mappings):
    return [each for each in mappings if each["type"] != "special"]


def column_without_null(dashboard):
    for override in panel(dashboard, "Throttled now")["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            if each["id"] == "mappings":
                each["value"] = without_null(each["value"])


def filter_on_numbers(dashboard):
    for override in panel(dashboard, "Throttled now")["fieldConfig"]["overrides"]:
        override["properties"].append({"id": "custom.filterable", "value": True})


def timeline_by_thresholds(dashboard):
    dashboard["panels"].append({"type": "state-timeline", "title": "States", "fieldConfig": {
        "defaults": {"color": {"mode": "thresholds"}}}})


def breaks_annotation(**at):
    return lambda dashboard: dashboard["annotations"]["list"][0].update(at)


def breaks_step(expr, step):
    def mutate(dashboard):
        panel(dashboard, "Utilization over time")["targets"][0].update(expr=expr, interval=step)
    return mutate


# rule → examples that it must find: (what breaks, words of the message)
BROKEN = {
    "template-datasource-rule": [(breaks_variable("datasource", name="source"), "data source variable"),
                                 (without_variable("datasource"), "data source variable")],
    "template-job-rule": [(breaks_variable("job", allValue=".*"), "allValue"),
                          (without_variable("job"), "no variable")],
    "template-instance-rule": [(breaks_variable("instance", multi=False), "multi"),
                               (without_variable("instance"), "no variable")],
    "template-label-promql-rule": [
        (breaks_variable("region", query={"query": "label_values(up{, region)"}), "region"),
        (breaks_variable("region", query={"query": "metrics(up)"}), "neither")],
    "template-on-time-change-reload-rule": [(breaks_variable("model", refresh=1), "refresh is 1")],
    "template-unused-rule": [(lambda d: d["templating"]["list"].append(variable(d, "model") | {"name": "team"}),
                              "team is used by no panel")],
    "panel-datasource-rule": [
        (breaks_panel("Data age", datasource={"type": "prometheus", "uid": "abc"}), "data source"),
        (lambda d: panel(d, "Data age")["targets"][0].update(datasource=None), "data source")],
    "panel-title-description-rule": [(breaks_panel("Data age", title=""), "needed"),
                                     (breaks_panel("Data age", description=""), "needed")],
    "panel-units-rule": [(breaks_defaults("Data age", unit="seconds"), "seconds"),
                         (breaks_column("Quota inventory", "Used", unit=""), "not of Grafana's list")],
    "panel-no-targets-rule": [(breaks_panel("Data age", targets=[]), "no query")],
    "target-promql-rule": [(breaks_query("max(up"), "A: ")],
    "target-rate-interval-rule": [(breaks_query(f"max(rate({THROTTLES}[5m]))"), "$__rate_interval")],
    "target-job-rule": [(breaks_query('max(bedrock_quota_limit{instance=~"$instance"})'), "without job"),
                        (breaks_query('max(bedrock_quota_limit{job="$job", instance=~"$instance"})'), "without job")],
    "target-instance-rule": [(breaks_query('max(bedrock_quota_limit{job=~"$job"})'), "without instance")],
    "target-counter-agg-rule": [(breaks_query(f"max({THROTTLES})"), "without rate"),
                                (breaks_query(f"max(max_over_time({THROTTLES}[5m]))"), "without rate")],
    "uneditable-dashboard-rule": [(breaks(editable=True), "editable")],
    "classic-json": [(breaks(schemaVersion=42), "42"), (breaks(apiVersion="dashboard.grafana.app/v2"), "apiVersion"),
                     (breaks_panel("Data age", type="canvas"), "canvas")],
    "importable": [(breaks(id=7), "id ties"), (breaks(__inputs=[]), "__inputs"), (breaks(uid="abc"), "abc"),
                   (same_ids, "not unique")],
    "grid": [(overlapping, "lies over"), (lambda d: panel(d, "Data age")["gridPos"].update(w=20), "wider")],
    "template-chain": [(without_variable("scope"), "expected"), (breaks_variable("region", multi=False), "multi"),
                       (breaks_variable("model", query={"query": 'label_values(up{job=~"$job"}, model)'}),
                        "not narrowed by account, instance, region, scope")],
    "links": [(breaks(links=[]), "no link to bedrock-quota-model"), (breaks_link(keepTime=False), "keepTime"),
              (breaks_link(includeVars=True), "includeVars"), (breaks_link_url("-model?", "-nowhere?"), "not one of ours"),
              (breaks_link_url("${scope:", "${model:"), "hands on model"), (breaks_link_url("${job:", "${scope:"), "loses")],
    "variables-defined": [(breaks_query(f'max({RATIO.replace("$job", "$team")})'), "variable team"),
                          (breaks_link_url("${scope:", "${team:"), "variable team")],
    "crosshair": [(breaks(graphTooltip=0), "crosshair")],
    "queries-on-open": [(twenty_six_queries, "at most 25"), (open_repeated_row, "repeats")],
    "what-to-do": [(breaks_panel("Data age", description="How old is it?"), "action"),
                   (breaks_panel("Data age", description="Age.\n\nIn seconds.\n\n**What to do:** wait."), "question")],
    "no-value": [(breaks_defaults("Data age", noValue="0"), "in words"),
                 (breaks_defaults("Data age", noValue=""), "in words")],
    "account-as-text": [(breaks_column("Throttled now", "Account", unit="short"), "12 digits"),
                        (breaks_column("Throttled now", "Account name", unit="none"), "12 digits"),
                        (breaks_defaults("Throttled now", unit="short"), "must be string")],
    "model-in-full": [(breaks_column("Throttled now", "Model", custom__width=100), "narrower"),
                      (legend_at_the_right, "table below")],
    "dashed-thresholds": [(solid_line, "dashed")],
    "nothing-has-a-colour": [
        (lambda d: panel(d, "Data age")["fieldConfig"]["defaults"].update(mappings=[]), "no mapping for null"),
        (column_without_null, "column Refused has no mapping")],
    "colour-only-what-is-bad": [(breaks_defaults("Data age", thresholds={"steps": [{"color": "dark-green"}]}), "no colour")],
    "timeline-colours": [(timeline_by_thresholds, "range")],
    "filters-on-labels": [(filter_on_numbers, "column Refused is a number"),
                          (breaks_defaults("Throttled now", custom={"filterable": True}), "every column")],
    "annotations": [(breaks_annotation(expr="max(up"), "Limit changed: "), (breaks_annotation(expr="max(nowhere)"), "no metric nowhere"),
                    (breaks_annotation(datasource=None), "data source")],
    "windows-cover-the-cadence": [
        (breaks_step(f"max(rate({THROTTLES}[$__rate_interval]))", "1m"), "240 s"),
        (breaks_query(f"max(increase({THROTTLES}[10m]))"), "600 s"),
        (breaks_query(f"max(increase({OUTPUT}[20m]))"), "no whole number of steps")],
    "no-topk-in-ranges": [(breaks_query(f"topk(5, max by (model) ({RATIO}))"), "topk"),
                          (breaks_query(f"max(bottomk(5, {RATIO}))"), "topk")],
    "guarded-division": [
        (breaks_query(f"max({RATIO}) / max({RATIO})"), "may be 0"),
        (breaks_query(f"max({RATIO}) / (max({RATIO}) > -1)"), "may be 0"),
        (breaks_query(f"max({RATIO}) / clamp_min(max({RATIO}), 0)"), "may be 0"),
        (breaks_query(f"max({RATIO}) / 0"), "may be 0")],
    "no-recorded-series": [(breaks_query('max(bedrock:ratio:max{job=~"$job"})'), "our rules"),
                           (breaks_query('count(ALERTS{job=~"$job"})'), "our rules")],
    "known-metrics": [(breaks_query("max(bedrock_quota_limits)"), "no metric bedrock_quota_limits"),
                      (breaks_query('max(bedrock_quota_limit{team="a"})'), "has no label team"),
                      (breaks_query(f"max by (team) ({RATIO})"), "has team")],
    "once-per-identity": [
        (breaks_query(RATIO), "is shown"), (breaks_query(f"sum({RATIO})"), "goes into sum"),
        (breaks_query(f"count({RATIO} > 1)"), "goes into count"),
        (breaks_query(f"sum(max by (model) ({RATIO}))"), "loses"),
        (breaks_query(f"max({RATIO} / ({RATIO} > 0))"), "is joined by /"),
        (breaks_query(f"max by (model) ({RATIO}) - on (model) {RATIO}"), "is joined by -")],
}

# Correct queries that a rule too eager would complain about.
SOUND = [
    f"sum(max by ({IDENTITY}) ({RATIO}))",
    f"max by (model) ({RATIO}) / (max by (model) ({RATIO}) > 0)",
    f"max by (model) (2 * {RATIO} or 3 * {RATIO})",
    f"max({RATIO}) / 86400",
    f"max({RATIO}) / clamp_min(max({RATIO}), 1e-9)",
    'sum(bedrock_exporter_series{job=~"$job", instance=~"$instance"})',
    f"sum(max by (account_id, region, endpoint, model_id, model, scope) (rate({THROTTLES}[$__rate_interval])))",
]


class Lint(unittest.TestCase):
    def test_dashboards_hold_every_rule(self):
        for path in sorted(lint.DASHBOARDS.glob("*.json")):
            self.assertEqual(lint.lint(json.loads(path.read_text())), [])

    def test_every_rule_has_a_broken_example(self):
        self.assertEqual(sorted(BROKEN), sorted(lint.RULES))

    def test_every_broken_example_is_found_by_its_rule(self):
        sound = json.loads(OVERVIEW.read_text())
        for name, examples in BROKEN.items():
            for number, (mutate, words) in enumerate(examples):
                with self.subTest(rule=name, example=number):
                    broken = copy.deepcopy(sound)
                    mutate(broken)
                    self.assertEqual(list(lint.RULES[name](sound)), [])
                    self.assertIn(words, "\n".join(message for _, message in lint.RULES[name](broken)))

    def test_sound_queries_are_left_alone(self):
        for expr in SOUND:
            with self.subTest(expr=expr):
                dashboard = json.loads(OVERVIEW.read_text())
                breaks_query(expr)(dashboard)
                used = {"template-unused-rule"}
                self.assertEqual([f for f in lint.lint(dashboard, {}) if f[0] not in used], [])

    def test_exclusions_are_few_needed_and_reasoned(self):
        exclusions = lint.load_exclusions()
        entries = [(name, e) for name, each in exclusions.items() for e in each["entries"]]
        self.assertLessEqual(len(entries), MOST_EXCLUSIONS)
        dashboards = {d["title"]: d for d in map(json.loads, (p.read_text() for p in lint.DASHBOARDS.glob("*.json")))}
        for name, entry in entries:
            with self.subTest(rule=name, entry=entry):
                self.assertTrue(exclusions[name].get("reason"))
                found = [panel for panel, _ in lint.RULES[name](dashboards[entry["dashboard"]])]
                self.assertIn(entry.get("panel"), found, "nothing to exclude any more")

    def test_an_exclusion_hides_only_what_it_names(self):
        dashboard = json.loads(MODEL.read_text())
        entry = {"dashboard": dashboard["title"]}
        self.assertTrue(lint.lint(dashboard, {}))
        self.assertFalse(lint.lint(dashboard, {"template-chain": {"entries": [entry]}}))
        self.assertTrue(lint.lint(dashboard, {"template-chain": {"entries": [entry | {"panel": "Cause"}]}}))
        self.assertTrue(lint.lint(dashboard, {"links": {"entries": [entry]}}))


if __name__ == "__main__":
    unittest.main()
