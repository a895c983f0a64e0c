"""Calls that fail now."""

from .promql import INVOCATION_ID, MINUTE_QUOTAS, MODEL, TARGET, indent, top
from .text import CAUSE, MODEL as NAME, WHERE, lookup, lookup_each, percent

CEILING = lookup(
    "max(bedrock_quota_throttled_utilization_ratio{%s})", MODEL, "value | humanizePercentage")


def throttled(v):
    """Refused in earnest: by share, persistence and volume."""
    return f"""\
{top(MODEL, 'bedrock_throttle_ratio{window="5m"}')} > {v["ratio"]}
and on ({MODEL})
{top(MODEL, 'bedrock_throttled_seconds{window="15m"}')} >= {v["throttled_seconds"]}
and on ({MODEL})
{top(MODEL, 'bedrock_attempts{window="5m"}')} >= {v["attempts"]}"""


def alerts(values):
    v = values["throttling"]
    yield dict(
        alert="BedrockThrottling", severity="critical", values=v, dashboard="model", labels=MODEL,
        expr=throttled(v),
        summary=NAME + " is throttled: {{ $value | humanizePercentage }} of its calls are refused",
        description=(
            "{{ $value | humanizePercentage }} of "
            + lookup('max(bedrock_attempts{window="5m",%s})', MODEL, "value | humanize")
            + " calls within 5 minutes were refused (" + WHERE + "), and calls were refused in "
            + lookup('max(bedrock_throttled_seconds{window="15m",%s})', MODEL, "value | humanizeDuration")
            + " of the last 15 minutes. Cause: " + CAUSE + ". Largest use of a limit while refused: " + CEILING + ". Refused: "
            + lookup_each("max by (model_id) (increase(bedrock_invocation_throttles_total{%s}[15m])) > 0", MODEL,
                          "model_id", "ids unknown")
            + "."))

    v = values["reservation"]
    yield dict(
        alert="BedrockThrottledByReservation", severity="warning", values=v, dashboard="model", labels=MODEL,
        expr=f"""\
{top(MODEL, 'bedrock_throttle_ratio{window="30m"}')} > {v["ratio"]}
and on ({MODEL})
{top(MODEL, 'bedrock_throttled_seconds{window="15m"}')} >= {v["throttled_seconds"]}
and on ({MODEL})
{top(MODEL, 'bedrock_throttle_cause{cause="reservation"}')} == 1""",
        summary=NAME + " is refused below its limits: max_tokens reserves too much",
        description=(
            "{{ $value | humanizePercentage }} of the calls within 30 minutes were refused (" + WHERE + ") while at most "
            + CEILING + " of a limit was used. Bedrock reserves input + max_tokens when a call is admitted, and settles "
            "to what was used when it ends: a smaller max_tokens makes room without a quota increase."))

    v, v_throttled = values["many_models"], values["throttling"]
    ceiling = top(MODEL, "bedrock_quota_throttled_utilization_ratio{" + MINUTE_QUOTAS + "}")
    yield dict(
        alert="BedrockManyModelsThrottled", severity="critical", values=v, dashboard="overview", labels=TARGET,
        expr=f"""\
count by ({TARGET}) (
  count by ({TARGET}, model) (
{indent(throttled(v_throttled), 4)}
    and on ({MODEL})
    {ceiling} < {v["ceiling"]}
  )
) >= {v["models"]}""",
        summary="{{ $value | humanize }} models of {{ $labels.account_id }}, {{ $labels.region }} are refused together, far below "
        "their limits",
        description=(
            "{{ $value | humanize }} models are throttled at the same time, each below " + percent(v["ceiling"]) + " of its own limits "
            "(" + WHERE + "). Throttled now: "
            + lookup_each('max by (model) (bedrock_throttled_seconds{window="15m",%s}) >= ' f'{v_throttled["throttled_seconds"]}',
                          TARGET, "model", "none")
            + ". Suspect what they share: the account's Cross-Model Max Tokens Per Day (limit "
            + lookup('max(bedrock_service_quota_applied{quota_code="L-E3F10727",%s})', TARGET, "value | humanize")
            + "), whose use AWS does not publish."))

    v = values["capacity"]
    errors = f"sum by ({MODEL}) ({top(INVOCATION_ID, 'increase(bedrock_invocation_server_errors_total[15m])')})"
    calls = f"sum by ({MODEL}) ({top(INVOCATION_ID, 'increase(bedrock_invocations_total[15m])')})"
    yield dict(
        alert="BedrockCapacityErrors", severity="critical", values=v, dashboard="model", labels=MODEL,
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
        summary=NAME + " fails: {{ $value | humanizePercentage }} server errors, few or no throttles",
        description=(
            "{{ $value | humanizePercentage }} of the calls within 15 minutes ended in a server error (" + WHERE + ") and "
            "few or none were throttled: AWS is out of capacity or broken. A quota increase does not help; another scope, "
            "region or model may. Failing: "
            + lookup_each("max by (model_id) (increase(bedrock_invocation_server_errors_total{%s}[15m])) > 0", MODEL,
                          "model_id", "ids unknown")
            + "."))
