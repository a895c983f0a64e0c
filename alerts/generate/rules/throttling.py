"""Calls that fail now."""

from .promql import (
    CROSS_MODEL_DAY, INVOCATION_ID, MINUTE_QUOTAS, MODEL, POOL, SHARED_POOL, TARGET, indent, top, zero_quota)
from .text import lookup, lookup_each, percent

# The id of a pool of its own, in a summary.
ID_ALONE = "{{ with $labels.model_id }} {{ . }}{{ end }}"


def throttled(v):
    """Refused in earnest: by share, persistence and volume; or so much of one minute that it needs no other."""
    return f"""\
(
  {top(POOL, 'bedrock_throttle_ratio{window="5m"}')} > {v["ratio"]}
  and on ({POOL})
  {top(POOL, 'bedrock_throttled_seconds{window="15m"}')} >= {v["throttled_seconds"]}
  and on ({POOL})
  {top(POOL, 'bedrock_attempts{window="5m"}')} >= {v["attempts"]}
  or
  {top(POOL, 'bedrock_throttle_ratio{window="1m"}')} >= {v["minute_ratio"]}
  and on ({POOL})
  {top(POOL, 'bedrock_attempts{window="1m"}')} >= {v["attempts"]}
)"""


def never_answered():
    """The quota is 0, and within a day no call was answered: a ticket's matter, nobody relies on it."""
    ratio = top(MODEL, f'bedrock_throttle_ratio{{window="30m",{SHARED_POOL}}}')
    return f"""\
(
  {zero_quota()}
  and
  {ratio} == 1
  unless
  min_over_time(({ratio})[1d:10m]) < 1
)"""


def ids_with(counter):
    return lookup_each(f"max by (model_id) (increase({counter}{{%s}}[15m])) > 0", MODEL, "model_id", "ids unknown")


def alerts(values):
    yield throttling(values["throttling"])
    yield reservation(values["reservation"])
    yield many_models(values["many_models"], values["throttling"])
    yield capacity(values["capacity"])


def throttling(v):
    return dict(
        alert="BedrockThrottling",
        severity="critical",
        values=v,
        dashboard="model",
        labels=POOL,
        expr=f"{throttled(v)}\nunless on ({POOL})\n{never_answered()}",
        summary="<model><id> (<scope>, <region>) is throttled: <value_percent> of its calls are refused",
        description="<share> of <attempts> calls within 5 minutes were refused (<where>)<newest>, and calls were refused "
        "in <throttled> of the last 15 minutes. Cause: <cause>. Largest use of a limit while refused: <ceiling>. "
        "Refused: <ids>.",
        parts={
            "id": ID_ALONE,
            "share": lookup('max(bedrock_throttle_ratio{window="5m",%s})', POOL, "value | humanizePercentage"),
            "newest": lookup(
                'max(bedrock_throttle_ratio{window="1m",%s})', POOL, "value | humanizePercentage", "",
                ", of the newest minute's "),
            "attempts": lookup('max(bedrock_attempts{window="5m",%s})', POOL, "value | humanize"),
            "throttled": lookup('max(bedrock_throttled_seconds{window="15m",%s})', POOL, "value | humanizeDuration"),
            "cause": lookup_each("max by (cause) (bedrock_throttle_cause{%s}) == 1", POOL, "cause"),
            "ids": ids_with("bedrock_invocation_throttles_total"),
        },
    )


def reservation(v):
    return dict(
        alert="BedrockThrottledByReservation",
        severity="warning",
        values=v,
        dashboard="model",
        labels=POOL,
        expr=f"""\
{top(POOL, 'bedrock_throttle_ratio{window="30m"}')} > {v["ratio"]}
and on ({POOL})
{top(POOL, 'bedrock_throttled_seconds{window="15m"}')} >= {v["throttled_seconds"]}
and on ({POOL})
{top(POOL, 'bedrock_throttle_cause{cause="reservation"}')} == 1""",
        summary="<model><id> (<scope>, <region>) is refused below its limits: max_tokens reserves too much",
        description="<value_percent> of the calls within 30 minutes were refused (<where>) while at most <ceiling> of a "
        "limit was used. Bedrock reserves input + max_tokens when a call is admitted, and settles to what was used when "
        "it ends: a smaller max_tokens makes room without a quota increase.",
        parts={"id": ID_ALONE},
    )


def many_models(v, each):
    ceiling = top(MODEL, "bedrock_quota_throttled_utilization_ratio{" + MINUTE_QUOTAS + "}")
    seconds = 'max by (model) (bedrock_throttled_seconds{window="15m",%s})'
    return dict(
        alert="BedrockManyModelsThrottled",
        severity="critical",
        values=v,
        dashboard="overview",
        labels=TARGET,
        expr=f"""\
count by ({TARGET}) (
  count by ({TARGET}, model) (
{indent(throttled(each), 4)}
    and on ({MODEL})
    {ceiling} < {v["ceiling"]}
  )
) >= {v["models"]}""",
        summary="<value> models of <account_id>, <region> are refused together, far below their limits",
        description="<value> models are throttled at the same time, each below <own> of its own limits (<where>). "
        "Throttled now: <models>. Suspect what they share: the account's Cross-Model Max Tokens Per Day (limit <limit>), "
        "whose use AWS does not publish.",
        parts={
            "own": percent(v["ceiling"]),
            "models": lookup_each(f"{seconds} >= {each['throttled_seconds']}", TARGET, "model", "none"),
            "limit": lookup(f"max(bedrock_service_quota_applied{{{CROSS_MODEL_DAY},%s}})", TARGET, "value | humanize"),
        },
    )


def capacity(v):
    errors = f"sum by ({MODEL}) ({top(INVOCATION_ID, 'increase(bedrock_invocation_server_errors_total[15m])')})"
    calls = f"sum by ({MODEL}) ({top(INVOCATION_ID, 'increase(bedrock_invocations_total[15m])')})"
    return dict(
        alert="BedrockCapacityErrors",
        severity="critical",
        values=v,
        dashboard="model",
        labels=MODEL,
        expr=f"""\
{errors}
/
(
  {errors}
  +
  {calls}
) > {v["ratio"]}
and
{errors} >= {v["errors"]}
unless
{top(MODEL, 'bedrock_throttle_ratio{window="5m"}')} > {v["throttle_ratio"]}""",
        summary="<model> (<scope>, <region>) fails: <value_percent> server errors, few or no throttles",
        description="<value_percent> of the calls within 15 minutes ended in a server error (<where>) and few or none were "
        "throttled: AWS is out of capacity or broken. A quota increase does not help; another scope, region or model may. "
        "Failing: <ids>.",
        parts={"ids": ids_with("bedrock_invocation_server_errors_total")},
    )
