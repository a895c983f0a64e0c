"""The rules every dashboard holds: those of Grafana's dashboard-linter, and our own.

    python tests/dashboards/lint.py [FILE…]

A rule is a function from a dashboard to what is wrong with it, as (panel title or None, message).
Exclusions stand in dashboards/.lint, in dashboard-linter's own format, each with its reason.
"""

import functools
import json
import re
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DASHBOARDS = REPOSITORY / "dashboards"
sys.path[:0] = [str(DASHBOARDS / "generate"), str(REPOSITORY / "tests")]

from expressions import (  # noqa: E402
    RATE_INTERVAL, grouping, kind, made_labels, matchers, number, parse, selectors, walk)
from expressions import variables as variables_in  # noqa: E402
from promql import LABELS  # noqa: E402

RULES = {}

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
CHAIN = ["job", "instance", "account", "region", "scope", "model"]
# Of Grafana's own list, those that these dashboards use.
UNITS = {"none", "string", "short", "percentunit", "s", "bytes", "currencyUSD", "suffix: days"}
PANELS = {"stat", "table", "timeseries", "state-timeline"}
QUERIES_ON_OPEN = 25
MODEL_COLUMN = 320          # pixels; the longest model id has 45 characters of about 7 pixels
SCHEMA_VERSION = 39
STEPS_OF_A_RATE = 4         # Grafana's $__rate_interval, at least
# Counters that no quota and no page hangs on.
DETAILS = {f"bedrock_{kind}_total" for kind in (
    "invocation_client_errors", "legacy_invocations", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "output_images")}
BUILT_IN = {"__rate_interval", "__interval", "__range", "__url_time_range", "__data"}
NEWER_THAN_CLASSIC = {"apiVersion", "kind", "spec", "elements", "layout"}


def rule(name):
    def register(function):
        RULES[name] = function
        return function
    return register


def panels(dashboard):
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def targets(dashboard):
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield panel, target


def trees(dashboard):
    """Every query that parses; those that do not are another rule's."""
    for panel, target in targets(dashboard):
        try:
            yield panel, target, parse(target["expr"])
        except ValueError:
            continue


def variable(dashboard, name):
    return next((v for v in dashboard["templating"]["list"] if v["name"] == name), None)


def query_variables(dashboard):
    return [v for v in dashboard["templating"]["list"] if v["type"] == "query"]


def overrides(panel, title):
    """The properties that an override by name gives to a column."""
    return {p["id"]: p["value"] for o in panel["fieldConfig"]["overrides"]
            if o["matcher"] == {"id": "byName", "options": title} for p in o["properties"]}


def annotations(dashboard):
    return dashboard.get("annotations", {}).get("list", [])


@functools.cache
def siblings():
    return [json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))]


@functools.cache
def values():
    return yaml.safe_load((REPOSITORY / "alerts" / "generate" / "values.yaml").read_text())


def seconds(duration):
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]


def is_matrix(panel):
    return any(t["id"] == "groupingToMatrix" for t in panel.get("transformations", []))


def renamed(panel):
    """Label or value → column title of a table."""
    return {k: v for t in panel.get("transformations", []) if t["id"] == "organize"
            for k, v in t["options"]["renameByName"].items()}


# Grafana's dashboard-linter.

@rule("template-datasource-rule")
def template_datasource(dashboard):
    sources = [v for v in dashboard["templating"]["list"] if v["type"] == "datasource"]
    if [(v["name"], v["query"], v["label"]) for v in sources] != [("datasource", "prometheus", "Data source")]:
        yield None, "expected one data source variable: datasource, of type prometheus, labelled Data source"


def _template_linter(name):
    def check(dashboard):
        found = variable(dashboard, name)
        if not found:
            yield None, f"no variable {name}"
            return
        expected = {"type": "query", "datasource": DATASOURCE, "label": name.title(), "multi": True, "allValue": ".+"}
        for key, value in expected.items():
            if found.get(key) != value:
                yield None, f"variable {name}: {key} is {found.get(key)!r}, expected {value!r}"
    return check


RULES["template-job-rule"] = _template_linter("job")
RULES["template-instance-rule"] = _template_linter("instance")


@rule("template-label-promql-rule")
def template_label_promql(dashboard):
    for each in query_variables(dashboard):
        call = re.fullmatch(r"(label_values|query_result)\((.*)\)", each["query"]["query"])
        if not call:
            yield None, f"variable {each['name']}: neither label_values nor query_result"
            continue
        expr = call[2].rsplit(", ", 1)[0] if call[1] == "label_values" else call[2]
        try:
            parse(expr)
        except ValueError as error:
            yield None, f"variable {each['name']}: {error}"


@rule("template-on-time-change-reload-rule")
def template_reload(dashboard):
    for each in query_variables(dashboard):
        if each.get("refresh") != 2:
            yield None, f"variable {each['name']}: refresh is {each.get('refresh')}, expected 2"


@rule("template-unused-rule")
def template_unused(dashboard):
    used = set().union(*(variables_in(target["expr"]) for _, target in targets(dashboard)))
    for each in query_variables(dashboard):
        if each["name"] not in used:
            yield None, f"variable {each['name']} is used by no panel"


@rule("panel-datasource-rule")
def panel_datasource(dashboard):
    for panel in panels(dashboard):
        for where in [panel, *panel.get("targets", [])]:
            if where.get("datasource") != DATASOURCE:
                yield panel["title"], f"data source is {where.get('datasource')}, expected ${{datasource}}"


@rule("panel-title-description-rule")
def panel_title_description(dashboard):
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield panel.get("title"), "title and description are needed"


@rule("panel-units-rule")
def panel_units(dashboard):
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        given = [unit] + [p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"]
                          if p["id"] == "unit"]
        for each in given:
            if each not in UNITS:
                yield panel["title"], f"unit {each!r} is not of Grafana's list"


@rule("panel-no-targets-rule")
def panel_no_targets(dashboard):
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield panel["title"], "has no query"


@rule("target-promql-rule")
def target_promql(dashboard):
    for panel, target in targets(dashboard):
        try:
            parse(target["expr"])
        except ValueError as error:
            yield panel["title"], f"{target['refId']}: {error}"


@rule("target-rate-interval-rule")
def target_rate_interval(dashboard):
    for panel, target, tree in trees(dashboard):
        for node, parents in walk(tree):
            if kind(node) == "MatrixSelector" and parents and kind(parents[-1]) == "Call" \
                    and parents[-1].func.name in ("rate", "irate") and node.range.total_seconds() != RATE_INTERVAL:
                yield panel["title"], f"{target['refId']}: rate over another range than $__rate_interval"


def _target_matcher(name):
    def check(dashboard):
        for panel, target, tree in trees(dashboard):
            for selector, _ in selectors(tree):
                if (name, "Re", f"${name}") not in matchers(selector):
                    yield panel["title"], f'{target["refId"]}: {selector.name} without {name}=~"${name}"'
    return check


RULES["target-job-rule"] = _target_matcher("job")
RULES["target-instance-rule"] = _target_matcher("instance")


@rule("target-counter-agg-rule")
def target_counter_agg(dashboard):
    for panel, target, tree in trees(dashboard):
        for selector, parents in selectors(tree):
            if selector.name.endswith(("_total", "_bucket")):
                call = parents[-2] if len(parents) > 1 and kind(parents[-1]) == "MatrixSelector" else None
                if not call or kind(call) != "Call" or call.func.name not in ("rate", "irate", "increase"):
                    yield panel["title"], f"{target['refId']}: counter {selector.name} without rate or increase"


@rule("uneditable-dashboard-rule")
def uneditable(dashboard):
    if dashboard.get("editable") is not False:
        yield None, "editable must be false"


# Our own: what makes an import work everywhere.

@rule("classic-json")
def classic_json(dashboard):
    if dashboard.get("schemaVersion") != SCHEMA_VERSION:
        yield None, f"schemaVersion is {dashboard.get('schemaVersion')}, expected {SCHEMA_VERSION}"
    for key in NEWER_THAN_CLASSIC & set(dashboard):
        yield None, f"{key} belongs to a newer kind of dashboard"
    for panel in panels(dashboard):
        if panel["type"] not in PANELS:
            yield panel["title"], f"panel type {panel['type']} is not one of {', '.join(sorted(PANELS))}"


@rule("importable")
def importable(dashboard):
    for key in ("id", "__inputs", "__requires", "__elements"):
        if key in dashboard:
            yield None, f"{key} ties the file to one Grafana"
    if dashboard.get("uid") not in values()["links"]["dashboards"].values():
        yield None, f"uid {dashboard.get('uid')} is not one that alerts/generate/values.yaml links to"
    ids = [p["id"] for panel in dashboard["panels"] for p in [panel, *panel.get("panels", [])]]
    if len(ids) != len(set(ids)):
        yield None, "panel ids are not unique"


@rule("grid")
def grid(dashboard):
    taken = {}
    for panel in panels(dashboard):
        at = panel["gridPos"]
        if at["x"] + at["w"] > 24:
            yield panel["title"], "is wider than the page"
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        for title, other in taken.items():
            if cells & other:
                yield panel["title"], f"lies over {title}"
        taken[panel["title"]] = cells


@rule("template-chain")
def template_chain(dashboard):
    found = query_variables(dashboard)
    names = [v["name"] for v in found if v.get("hide") != 2]
    if names != CHAIN[:len(names)] or len(names) < 4:
        yield None, f"variables are {names}, expected {CHAIN}"
    for index, each in enumerate(found):
        if not each.get("multi") or not each.get("includeAll"):
            yield None, f"variable {each['name']}: multi and All are needed"
        missing = {v["name"] for v in found[:index]} - variables_in(each["query"]["query"])
        if missing:
            yield None, f"variable {each['name']} is not narrowed by {', '.join(sorted(missing))}"


@rule("links")
def links(dashboard):
    """To every other dashboard, with time and source, and with what it has several values for: no "All" goes to one."""
    others = {other["uid"]: other for other in siblings() if other["uid"] != dashboard["uid"]}
    urls = {link["url"].split("?")[0].removeprefix("/d/"): link for link in dashboard.get("links", [])}
    for uid in others.keys() - urls.keys():
        yield None, f"no link to {uid}"
    for uid, link in urls.items():
        if uid not in others:
            yield None, f"links to {uid}, which is not one of ours"
            continue
        if not link["keepTime"] or link["includeVars"]:
            yield None, f"link to {uid}: keepTime and no includeVars are needed"
        handed = set(re.findall(r"\$\{(\w+):queryparam\}", link["url"]))
        if not {"datasource", "job", "instance"} <= handed:
            yield None, f"link to {uid} loses the data source, the job or the instance"
        for name in sorted(handed - {"datasource"}):
            taken = variable(others[uid], name)
            if not taken or not taken.get("multi"):
                yield None, f"link to {uid} hands on {name}, which it does not have or not several of"


@rule("variables-defined")
def variables_defined(dashboard):
    defined = {v["name"] for v in dashboard["templating"]["list"]} | BUILT_IN
    texts = [target["expr"] for _, target in targets(dashboard)] + [a["expr"] for a in annotations(dashboard)]
    texts += [link["url"] for link in dashboard.get("links", [])]
    texts += [link["url"] for p in panels(dashboard) for title in renamed(p).values()
              for link in overrides(p, title).get("links", [])]
    for name in sorted(set().union(*map(variables_in, texts)) - defined):
        yield None, f"variable {name} is used but not defined"


@rule("crosshair")
def crosshair(dashboard):
    if dashboard.get("graphTooltip") != 1:
        yield None, "the crosshair is not shared (graphTooltip 1)"


@rule("queries-on-open")
def queries_on_open(dashboard):
    """Variables' queries are not counted; collapsed rows ask when they are opened."""
    count = sum(len(p.get("targets", [])) for p in dashboard["panels"])
    repeated = [p["title"] for p in dashboard["panels"]
                if p.get("repeat") and not (p["type"] == "row" and p["collapsed"])]
    if count > QUERIES_ON_OPEN:
        yield None, f"{count} queries on open, at most {QUERIES_ON_OPEN}"
    for title in repeated:
        yield title, "repeats without a collapsed row: no bound on queries"


# Our own: what a reader sees.

@rule("what-to-do")
def what_to_do(dashboard):
    for panel in panels(dashboard):
        parts = panel.get("description", "").split("\n\n")
        if len(parts) != 3 or not parts[0].endswith("?") or not parts[2].startswith("**What to do:** "):
            yield panel["title"], "description must be: question, meaning, **What to do:** action"


@rule("no-value")
def no_value(dashboard):
    for panel in panels(dashboard):
        text = panel["fieldConfig"]["defaults"].get("noValue", "")
        if not text or text.strip() in ("0", "-", "–"):
            yield panel["title"], "noValue must say in words that there is no data"


@rule("account-as-text")
def account_as_text(dashboard):
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        if panel["fieldConfig"]["defaults"].get("unit") != "string" and not is_matrix(panel):
            yield panel["title"], "a table's default unit must be string"
        for label in ("account_id", "account_name"):
            title = renamed(panel).get(label)
            if title and overrides(panel, title).get("unit") != "string":
                yield panel["title"], f"column {title} would show 12 digits as a number"


@rule("model-in-full")
def model_in_full(dashboard):
    for panel in panels(dashboard):
        title = renamed(panel).get("model")
        if title and overrides(panel, title).get("custom.width", 0) < MODEL_COLUMN:
            yield panel["title"], f"column {title} is narrower than {MODEL_COLUMN} pixels"
        legend = panel.get("options", {}).get("legend", {})
        named = any("{{model}}" in t.get("legendFormat", "") for t in panel["targets"])
        below = (legend.get("displayMode"), legend.get("placement")) == ("table", "bottom")
        if panel["type"] == "timeseries" and named and not below:
            yield panel["title"], "a legend with model ids must be a table below"


@rule("dashed-thresholds")
def dashed_thresholds(dashboard):
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        drawn = len(defaults.get("thresholds", {}).get("steps", [])) > 1
        if panel["type"] == "timeseries" and drawn and \
                defaults["custom"].get("thresholdsStyle", {}).get("mode") != "dashed":
            yield panel["title"], "thresholds are not drawn as dashed lines"


@rule("nothing-has-a-colour")
def nothing_has_a_colour(dashboard):
    """What is not known would take the colour of the lowest threshold: each says itself what it looks like."""
    def told(mappings):
        return any(m["type"] == "special" and m["options"]["match"] == "null+nan" for m in mappings or [])

    for panel in panels(dashboard):
        if panel["type"] == "stat" and not told(panel["fieldConfig"]["defaults"].get("mappings")):
            yield panel["title"], "no mapping for null and NaN"
        if panel["type"] != "table":
            continue
        for title in renamed(panel).values():
            column = overrides(panel, title)
            colored = {"thresholds", "custom.cellOptions"} & set(column)
            if colored and not told(column.get("mappings")) and column["custom.cellOptions"]["type"] != "auto":
                yield panel["title"], f"column {title} has no mapping for null and NaN"
        if is_matrix(panel) and not told(panel["fieldConfig"]["defaults"].get("mappings")):
            yield panel["title"], "no mapping for null and NaN"


@rule("colour-only-what-is-bad")
def colour_only_what_is_bad(dashboard):
    for panel in panels(dashboard):
        if re.search(r'"color": "[a-z-]*green"', json.dumps(panel["fieldConfig"])):
            yield panel["title"], "what is in order needs no colour"


@rule("timeline-colours")
def timeline_colours(dashboard):
    for panel in panels(dashboard):
        if panel["type"] == "state-timeline" and panel["fieldConfig"]["defaults"]["color"]["mode"] == "thresholds":
            yield panel["title"], "merged stretches coloured by thresholds show a range instead of their text"


@rule("filters-on-labels")
def filters_on_labels(dashboard):
    for panel in panels(dashboard):
        numbers = {title for key, title in renamed(panel).items() if key.startswith("Value")}
        if panel["fieldConfig"]["defaults"].get("custom", {}).get("filterable"):
            yield panel["title"], "every column has a filter"
        for title in sorted(numbers):
            if overrides(panel, title).get("custom.filterable"):
                yield panel["title"], f"column {title} is a number and has a filter"


# Our own: what a query may say.

@rule("annotations")
def annotations_answer(dashboard):
    for each in annotations(dashboard):
        try:
            read = selectors(parse(each["expr"]))
        except ValueError as error:
            yield None, f"annotation {each['name']}: {error}"
            continue
        for selector, _ in read:
            if selector.name not in LABELS:
                yield None, f"annotation {each['name']}: no metric {selector.name}"
        if each["datasource"] != DATASOURCE:
            yield None, f"annotation {each['name']}: data source is {each['datasource']}"


@rule("windows-cover-the-cadence")
def windows_cover_the_cadence(dashboard):
    """A counter that moves every quarter of an hour is 0 in most shorter windows, and too high in the others; one of
    details does so while calls come, and needs windows of whole quarters."""
    slowest = values()["timing"]["idle_cadence_seconds"]
    for panel, target, tree in trees(dashboard):
        for node, parents in walk(tree):
            if kind(node) != "MatrixSelector" or "account_id" not in LABELS.get(node.vector_selector.name, ()) \
                    or parents[-1].func.name not in ("rate", "increase"):
                continue
            window = node.range.total_seconds()
            if window == RATE_INTERVAL:
                window = STEPS_OF_A_RATE * seconds(target["interval"])
            if window < slowest:
                yield panel["title"], f"{target['refId']}: {window:g} s of {node.vector_selector.name}, which may move " \
                                      f"every {slowest} s only"
            elif node.vector_selector.name in DETAILS and window % slowest:
                yield panel["title"], f"{target['refId']}: {window:g} s of {node.vector_selector.name}, which moves every " \
                                      f"{slowest} s: no whole number of steps"


@rule("no-topk-in-ranges")
def no_topk_in_ranges(dashboard):
    for panel, target, tree in trees(dashboard):
        if target.get("range") and any(kind(n) == "AggregateExpr" and str(n.op) in ("topk", "bottomk")
                                       for n, _ in walk(tree)):
            yield panel["title"], f"{target['refId']}: topk picks other series at every step of a range"


@rule("guarded-division")
def guarded_division(dashboard):
    def guarded(node):
        if kind(node) == "ParenExpr":
            return guarded(node.expr)
        if kind(node) == "NumberLiteral":
            return node.val != 0
        if kind(node) == "Call" and node.func.name == "clamp_min":
            return kind(node.args[1]) == "NumberLiteral" and node.args[1].val > 0
        if kind(node) == "BinaryExpr" and str(node.op) == ">":
            return kind(node.rhs) == "NumberLiteral" and node.rhs.val >= 0
        return kind(node) == "AggregateExpr" and str(node.op) == "count"

    for panel, target, tree in trees(dashboard):
        for node, _ in walk(tree):
            if kind(node) == "BinaryExpr" and str(node.op) in ("/", "%") and not guarded(node.rhs):
                yield panel["title"], f"{target['refId']}: divides by what may be 0; write / (… > 0)"


@rule("no-recorded-series")
def no_recorded_series(dashboard):
    for panel, target, tree in trees(dashboard):
        for selector, _ in selectors(tree):
            if ":" in selector.name or selector.name.startswith("ALERTS"):
                yield panel["title"], f"{target['refId']}: {selector.name} exists only with our rules loaded"


@rule("known-metrics")
def known_metrics(dashboard):
    for panel, target, tree in trees(dashboard):
        labels = {"job", "instance"}
        for selector, _ in selectors(tree):
            if selector.name not in LABELS:
                yield panel["title"], f"{target['refId']}: no metric {selector.name}"
                continue
            own = {"job", "instance", *LABELS[selector.name]}
            labels |= own
            for name, _, _ in matchers(selector):
                if name not in own:
                    yield panel["title"], f"{target['refId']}: {selector.name} has no label {name}"
            labels |= made_labels(tree)
        for node, _ in walk(tree):
            unknown = grouping(node) - labels if kind(node) == "AggregateExpr" else set()
            if unknown:
                yield panel["title"], f"{target['refId']}: no metric here has {', '.join(sorted(unknown))}"


@rule("once-per-identity")
def once_per_identity(dashboard):
    """Two replicas publish the same: nothing is added, counted or joined before max by (its labels).

    The exporter's own metrics (no account) differ between instances and may be added.
    """
    for panel, target, tree in trees(dashboard):
        for selector, parents in selectors(tree):
            if "account_id" not in LABELS.get(selector.name, ()):
                continue
            problem = _before_max(selector, parents)
            if problem:
                yield panel["title"], f"{target['refId']}: {selector.name} {problem} before max by (its labels)"


def _before_max(selector, parents):
    for depth in range(len(parents) - 1, -1, -1):
        node = parents[depth]
        if kind(node) == "AggregateExpr":
            if str(node.op) != "max":
                return f"goes into {node.op}"
            equal = {name for name, op, _ in matchers(selector) if op == "Equal"}
            missing = set(LABELS[selector.name]) - equal - grouping(node)
            added = next((str(p.op) for p in reversed(parents[:depth]) if kind(p) == "AggregateExpr"), None)
            if added in ("sum", "avg") and missing:
                return f"loses {', '.join(sorted(missing))} and goes into {added}"
            return None
        scalar = kind(node) == "BinaryExpr" and (number(node.lhs) is not None or number(node.rhs) is not None)
        if kind(node) == "BinaryExpr" and not scalar and str(node.op) != "or":
            return f"is joined by {node.op}"
    return "is shown"


def excluded(exclusions, name, dashboard, panel):
    entries = exclusions.get(name, {}).get("entries", [])
    return any(e["dashboard"] == dashboard["title"] and e.get("panel") == panel for e in entries)


def load_exclusions(path=DASHBOARDS / ".lint"):
    return (yaml.safe_load(path.read_text()) or {}).get("exclusions") or {}


def lint(dashboard, exclusions=None):
    """(rule, panel, message) for everything that is wrong and not excluded."""
    exclusions = load_exclusions() if exclusions is None else exclusions
    return [(name, panel, message) for name, check in RULES.items() for panel, message in check(dashboard)
            if not excluded(exclusions, name, dashboard, panel)]


def main(paths):
    failures = 0
    for path in paths or sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(Path(path).read_text())
        for name, panel, message in lint(dashboard):
            failures += 1
            print(f"{dashboard['title']} / {panel or '-'}: {name}: {message}")
    print(f"{failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
