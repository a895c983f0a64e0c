"""The style every shipped rule keeps. `complaints` says what is wrong, in words; nothing is right."""

import re
from dataclasses import dataclass

from catalogue import TARGET_LABELS, Catalogue
from expressions import (
    COMPARISONS,
    grouping,
    kind,
    matchers,
    metrics,
    number,
    parse,
    result_labels,
    selectors,
    walk,
)

SEVERITIES = {"critical", "warning"}
ANNOTATIONS = ["summary", "description", "runbook_url", "dashboard_url"]
HEADINGS = ["Meaning", "Impact", "Look at", "Causes", "What to do", "How to silence"]
KINDS = ["fires", "not yet", "just below", "missing data", "replica"]
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

# Series there are only where there is a limit above 0, and the limit itself.
ON_LIMITS = re.compile(r"bedrock_quota_(limit|utilization|above_threshold|throttled_utilization|exhaustion)")
LIMIT_VALUES = re.compile(r"bedrock_(quota|service_quota)_(limit|default|applied)$")


@dataclass
class Surroundings:
    """What rules refer to."""

    catalogue: Catalogue
    values: dict
    runbooks: dict  # alert name → text
    tests: dict  # alert name → promtool test file, parsed
    pending: set  # metrics that are decided but not published yet


def complaints(rules, given):
    """`rules`: the rules of all files. One text per fault."""
    names = [rule["alert"] for rule in rules if "alert" in rule]
    found = [f"{name}: the name is taken twice" for name in {n for n in names if names.count(n) > 1}]
    for rule in rules:
        name = rule.get("alert") or rule["record"]
        try:
            tree = parse(rule["expr"])
        except ValueError as error:
            found.append(f"{name}: does not parse: {error}")
            continue
        checks = [known, instance_free, summed_whole]
        if "alert" in rule:
            checks += [named, timed, thresholds, no_noise, annotated, asked, linked, tested]
        found += [f"{name}: {text}" for check in checks for text in check(rule, tree, given)]
    return found


def known(rule, tree, given):
    """Metrics, labels and label values are those of docs/METRICS.md."""
    labels, words = given.catalogue.labels, given.catalogue.words
    for selector, _ in selectors(tree):
        if ":" in selector.name:
            yield f"depends on the recording rule {selector.name}"
            continue
        if selector.name not in labels:
            if selector.name not in given.pending:
                yield f"no metric {selector.name}"
            continue
        for label, op, value in matchers(selector):
            if label not in labels[selector.name] + TARGET_LABELS:
                yield f"{selector.name} has no label {label}"
            elif label in words:
                texts = value.split("|") if op == "Re" else [value]
                for text in texts:
                    if not any(re.fullmatch(text if op == "Re" else re.escape(text), word) for word in words[label]):
                        yield f"{label} is never {text}"
    for node, _ in walk(tree):
        used = grouping(node) if kind(node) == "AggregateExpr" else on_labels(node)
        there = set().union(*(labels[metric] + TARGET_LABELS if metric in labels else used for metric in metrics(node)))
        for label in used - there - {"target"}:
            yield f"nothing in it has the label {label}"


def on_labels(node):
    if kind(node) != "BinaryExpr" or not node.modifier or not node.modifier.matching:
        return set()
    return set(node.modifier.matching.labels)


def is_of_target(metric, given):
    """Published once per account and region, by whichever instance."""
    return metric in given.pending or "account_id" in given.catalogue.labels.get(metric, ())


def instance_free(rule, tree, given):
    """What crosses metrics, times or series takes max by identifying labels first."""
    for selector, parents in selectors(tree):
        if not is_of_target(selector.name, given):
            continue
        around = [p for p in parents if kind(p) == "AggregateExpr"]
        if not around or str(around[-1].op) != "max":
            yield f"{selector.name} is not within max by (its identifying labels)"
        elif grouping(around[-1]) & set(TARGET_LABELS):
            yield f"{selector.name} is grouped by instance or job: a restart or replica splits it"


def summed_whole(rule, tree, given):
    """Below a sum, max by keeps every label of the exporter; else it drops what should be added."""
    for selector, parents in selectors(tree):
        around = [p for p in parents if kind(p) == "AggregateExpr"]
        if len(around) > 1 and "sum" in {str(p.op) for p in around[:-1]} and is_of_target(selector.name, given):
            missing = set(given.catalogue.labels[selector.name]) - grouping(around[-1])
            if missing:
                yield f"adds up {selector.name} without {', '.join(sorted(missing))}"


def named(rule, tree, given):
    if not re.fullmatch(r"Bedrock([A-Z][a-z]+)+", rule["alert"]):
        yield "the name is not Bedrock… in CamelCase"
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"severity is none of {', '.join(sorted(SEVERITIES))}"


def seconds(duration):
    amount, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return int(amount) * SECONDS[unit]


def timed(rule, tree, given):
    """The data are minutes old already."""
    longest = 300 if rule.get("labels", {}).get("severity") == "critical" else 600
    if seconds(rule.get("for", "0s")) > longest:
        yield f"waits {rule['for']} on data that are late already; at most {longest}s"


def numbers(values):
    """Every number of the values file, and those made from it by unit."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from numbers(value)
        elif isinstance(value, (int, float)):
            yield value
            if key == "days":
                yield value * SECONDS["d"]
        if isinstance(value, dict) and "samples" in value:
            yield value["samples"] * value["hours"] * 60 / (seconds(values["timing"]["samples_step"]) / 60)


def thresholds(rule, tree, given):
    """Every number something is compared with stands in the values file, or asks for any at all."""
    allowed = {round(n, 9) for n in numbers(given.values)} | {0, 1}
    for node, _ in walk(tree):
        if kind(node) == "BinaryExpr" and str(node.op) in COMPARISONS:
            limit = number(node.rhs)
            if limit is not None and round(limit, 9) not in allowed:
                yield f"compares with {limit:g}, which is not in values.yaml"
    for selector, _ in selectors(tree):
        for label, _, value in matchers(selector):
            if label == "threshold" and float(value) not in allowed:
                yield f"uses the threshold {value}, which is not in values.yaml"


def no_noise(rule, tree, given):
    functions = {
        str(n.op) if kind(n) == "AggregateExpr" else n.func.name
        for n, _ in walk(tree)
        if kind(n) in ("AggregateExpr", "Call")
    }
    if functions & {"avg", "avg_over_time"}:
        yield "an average hides the minutes in which calls are refused"
    if "vector" in functions:
        yield "missing is not 0"
    critical = rule.get("labels", {}).get("severity") == "critical"
    if critical and any("throttles_" in metric for metric in metrics(tree)):
        yield "pages on throttle counts; use bedrock_throttle_ratio, bedrock_attempts, bedrock_throttled_seconds"
    for node, parents in walk(tree):
        if kind(node) == "BinaryExpr" and str(node.op) == "/" and any(LIMIT_VALUES.match(m) for m in metrics(node.rhs)):
            yield "divides by a limit, which may be 0; the utilization ratios are absent then"
        if (
            kind(node) == "VectorSelector"
            and node.name == "bedrock_throttle_ratio"
            and not under_unless(node, parents)
            and "bedrock_throttled_seconds" not in metrics(tree)
        ):
            yield "a share of refused calls without bedrock_throttled_seconds: a single throttle would do"


def under_unless(node, parents):
    chain = (*parents, node)
    return any(
        kind(p) == "BinaryExpr" and str(p.op) == "unless" and p.rhs is child for p, child in zip(chain, chain[1:])
    )


def annotated(rule, tree, given):
    texts = rule.get("annotations", {})
    if list(texts) != ANNOTATIONS:
        yield f"annotations are not {', '.join(ANNOTATIONS)}"
        return
    summary, description = texts["summary"], texts["description"]
    if "\n" in summary or summary.endswith("."):
        yield "the summary is not one line without a full stop"
    if not description.endswith("."):
        yield "the description does not end with a full stop"
    for text in (summary, description):
        for shown in re.findall(r"\{\{ ([^{}]*(?:\$value|\| value)[^{}]*) \}\}", text):
            if "humanize" not in shown and not shown.startswith("if "):
                yield f"shows a bare number: {{{{ {shown} }}}}"
    for label in sorted(set(re.findall(r"\$labels\.(\w+)", " ".join(texts.values()))) - result_labels(tree)):
        yield f"shows the label {label}, which the alert does not have"


def asked(rule, tree, given):
    """The queries within annotations obey the same catalogue."""
    for text in re.findall(r'(?:printf|query) "([^"]*)"', rule.get("annotations", {}).get("description", "")):
        try:
            asked_tree = parse(text.replace("'%s'", "'.*'").replace("='.*'", "=~'.*'"))
        except ValueError as error:
            yield f"its description asks what does not parse: {text}: {error}"
            continue
        yield from known(rule, asked_tree, given)


def linked(rule, tree, given):
    texts, links = rule.get("annotations", {}), given.values["links"]
    if texts.get("runbook_url") != f"{links['runbooks']}/{rule['alert']}.md":
        yield "runbook_url does not lead to its runbook"
    found = re.match(re.escape(links["grafana"]) + r"/d/([\w-]+)(\?|$)", texts.get("dashboard_url", ""))
    if not found or found[1] not in links["dashboards"].values():
        yield "dashboard_url leads to none of the dashboards"
    runbook = given.runbooks.get(rule["alert"])
    if runbook is None:
        yield f"has no docs/runbooks/{rule['alert']}.md"
        return
    if not runbook.startswith(f"# {rule['alert']}\n"):
        yield "its runbook has another title"
    sections = re.split(r"^## (.*)\n", runbook, flags=re.M)[1:]
    if sections[::2] != HEADINGS:
        yield f"its runbook's headings are not {', '.join(HEADINGS)}"
    for heading, text in zip(sections[::2], sections[1::2]):
        if not text.strip():
            yield f"its runbook says nothing under {heading}"


def tested(rule, tree, given):
    cases = given.tests.get(rule["alert"], {}).get("tests", [])
    wanted = KINDS + (["zero limit"] if any(ON_LIMITS.match(metric) for metric in metrics(tree)) else [])
    for what in wanted:
        if not any(what in case["name"] for case in cases):
            yield f"has no test: {what}"
    for case in cases:
        for check in case["alert_rule_test"]:
            for expected in check["exp_alerts"]:
                if sorted(expected.get("exp_annotations", {})) != sorted(ANNOTATIONS):
                    yield f"its test “{case['name']}” does not compare every annotation"
