"""PromQL for metrics that two replicas may publish at once.

Every expression starts from `one(...)`: the largest value per set of identifying labels. So a
second replica or a restart neither doubles a sum nor breaks a join.
"""

import catalogue

PUBLISHED = catalogue.read()
# Every family with its labels.
LABELS = PUBLISHED.labels

TARGET = LABELS["bedrock_usage_complete_until_timestamp_seconds"]
QUOTA = LABELS["bedrock_quota_limit"]
ID = LABELS["bedrock_invocations_total"]
THROTTLE = TARGET + ("model", "scope")
# An id whose model or scope is unknown stands alone, and so does one with a capacity of its own: a custom deployment, a
# provisioned throughput. All others have no model_id.
REFUSED = THROTTLE + ("model_id",)
ROW = LABELS["bedrock_service_quota_applied"]
COLLECTOR = LABELS["bedrock_exporter_target_up"]

VARIABLES = {"account_id": "account", "region": "region", "scope": "scope", "model": "model"}

# A matcher for the pools whose ids share the limits of their model and scope.
SHARED_POOL = {"model_id": ""}

# A matcher for the models that are called at all: a fleet lists thousands of quotas and uses dozens.
USED = {"model": "~$used"}
# Over weeks a narrower one: for the quotas of which anything was spent at all.
SPENT = {"quota_code": "~$spent"}


def series(metric, ignore=(), offset=None, **matchers):
    """A selector with every matcher the dashboard's variables offer for this metric's labels.

    `ignore` names labels whose variable does not narrow it; a matcher's value starting with `~` is a
    regular expression.
    """
    pairs = ['job=~"$job"', 'instance=~"$instance"']
    pairs += [f'{label}=~"${VARIABLES[label]}"' for label in LABELS[metric]
              if label in VARIABLES and label not in ignore and label not in matchers]
    for label, value in matchers.items():
        operator = "=~" if value.startswith("~") else "="
        pairs.append(f'{label}{operator}"{value.removeprefix("~")}"')
    return f'{metric}{{{", ".join(pairs)}}}' + (f" offset {offset}" if offset else "")


def by(labels):
    return f"by ({', '.join(labels)})" if labels else ""


def aggregate(operator, labels, expr):
    return f"{operator} {by(labels)} ({expr})" if labels else f"{operator}({expr})"


def one(metric, labels=None, **selector):
    """The metric once per identifying labels (all of its own, if not said)."""
    labels = LABELS[metric] if labels is None else labels
    return aggregate("max", labels, series(metric, **selector))


def per_minute(metric, labels=None, **selector):
    """A counter's rate per minute, once per identifying labels; for queries with the step COUNTED."""
    labels = LABELS[metric] if labels is None else labels
    return aggregate("max", labels, f"rate({series(metric, **selector)}[$__rate_interval])") + " * 60"


def over_hour(metric, labels=None, **selector):
    """What a counter gained in the last hour, once per identifying labels."""
    labels = LABELS[metric] if labels is None else labels
    return aggregate("max", labels, f"increase({series(metric, **selector)}[1h])")


def refused_per_minute(labels, window="5m"):
    """Refused calls, from the exporter's own window of closed minutes: no counter, so no cadence shows in it."""
    attempts = one("bedrock_attempts", REFUSED, window=window)
    ratio = one("bedrock_throttle_ratio", REFUSED, window=window)
    return f"sum {by(labels)} ({ratio} * {attempts}) / {window.removesuffix('m')}"


def busiest(metric, labels=None, window="$__range", **selector):
    """The largest value over the window, once per identifying labels."""
    labels = LABELS[metric] if labels is None else labels
    return aggregate("max", labels, f"max_over_time({series(metric, **selector)}[{window}])")


def fullest(labels, **selector):
    """The largest share of a limit that the busiest minute spent: 0 where nothing is spent of what may be."""
    nothing = f"0 * {one('bedrock_quota_usage', labels, **selector)}"
    return f"({one('bedrock_quota_utilization_peak_ratio', labels, **selector)} or {nothing})"


def count(condition, population):
    """How many; 0 only where the population itself is there, else no data."""
    return f"count({condition}) or 0 * count({population})"


def annotate(expr, labels, on, brought, info, **selector):
    """Adds labels from an info metric to rows with `labels`.

    No row is lost where the info is missing, and where two replicas disagree on a label for a
    moment the rows come without it rather than the query fail.
    """
    names = one(info, on + brought, **selector)
    sure = f"({names} unless {on_labels(on)} (count {by(on)} ({names}) > 1))"
    return f"({expr}) * {on_labels(on)} group_left ({', '.join(brought)}) {sure} or {on_labels(labels)} ({expr})"


def on_labels(labels):
    return f"on ({', '.join(labels)})"


def with_account_name(expr):
    """Adds account_name to rows with account_id: the id itself where no name is known, or two replicas disagree."""
    return _named(expr, "", lambda accounts: accounts)


def named_throughout(expr):
    """The same for a range: with the name that holds at its end, so that a new name starts no second line."""
    return _named(expr, " @ end()", lambda accounts: f"last_over_time({accounts}[$__range] @ end())")


def _named(expr, at, known):
    everyone = {"ignore": ("account_id", "region")}
    names = aggregate("max", ("account_id", "account_name"), series("bedrock_account_info", **everyone) + at)
    accounts = aggregate("max", ("account_id",), known(series("bedrock_exporter_target_up", **everyone)))
    spelled = (f"({names} unless on (account_id) (count by (account_id) ({names}) > 1) or on (account_id) "
               f'label_replace(0 * {accounts} + 1, "account_name", "$1", "account_id", "(.+)"))')
    return f"({expr}) * on (account_id) group_left (account_name) {spelled}"
