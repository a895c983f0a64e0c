"""Limits: close, spent, lowered, zero, unknown."""

from .promql import MINUTE_QUOTAS, MODEL, QUOTA, QUOTA_CODE, TARGET, top
from .text import MODEL as NAME, QUOTA_NAME, QUOTA_ROW, WHERE, lookup, lookup_each, percent, span

LIMIT = lookup("max(bedrock_quota_limit{%s})", QUOTA, "value | humanize")


def alerts(values):
    yield near_limit(values)
    yield saturated(values)
    yield from daily(values["daily"])
    yield zero_quota(values["zero_quota"])
    yield unmapped(values["unmapped"])


def above(v):
    return top(QUOTA, f'bedrock_quota_above_threshold_seconds{{threshold="{v["ratio"]:g}",{MINUTE_QUOTAS}}}')


def near_limit(values):
    v, lookback = values["near_limit"], values["timing"]["lookback_seconds"]
    return dict(
        alert="BedrockQuotaNearLimit", severity="warning", values=v, dashboard="model", labels=QUOTA,
        expr=f"{above(v)} >= {v['above_seconds']}",
        summary=QUOTA_ROW + f": {percent(v['ratio'])} of the limit or more" + " for {{ $value | humanizeDuration }}",
        description=(
            "{{ $value | humanizeDuration }} of the last " + span(lookback) + f" spent {percent(v['ratio'])} or more of "
            "the limit of " + LIMIT + " (" + WHERE + "); the largest minute spent "
            + lookup("max(bedrock_quota_utilization_peak_ratio{%s})", QUOTA, "value | humanizePercentage")
            + ". Nothing need be wrong. Ask for more (quota code {{ $labels.quota_code }}) if the load will grow."))


def saturated(values):
    v, step = values["saturated"], values["timing"]["samples_step"]
    expected = v["hours"] * 60 // int(step.removesuffix("m"))
    return dict(
        alert="BedrockQuotaSaturated", severity="warning", values=v, dashboard="capacity", labels=QUOTA,
        expr=f"""\
count_over_time(
  ({above(v)} >= {v["above_seconds"]})[{v["hours"]}h:{step}]
) >= {v["samples"]} * {expected}""",
        summary=QUOTA_ROW + f" has had no room for {v['hours']} hours",
        description=(
            f"All through the last {v['hours']} hours, {span(v['above_seconds'])} or more of every "
            f"{span(values['timing']['lookback_seconds'])} spent {percent(v['ratio'])} or more of the limit of " + LIMIT
            + " (" + WHERE + "). Any growth is refused: raise the limit (quota code {{ $labels.quota_code }}), spread the "
            "load over scopes and regions, or move what can wait to batch inference."))


def daily(v):
    spent = top(QUOTA, 'bedrock_quota_utilization_ratio{quota="tokens_per_day"}')
    left = top(QUOTA, 'bedrock_quota_exhaustion_timestamp_seconds{quota="tokens_per_day"}') + " - time()"
    yield dict(
        alert="BedrockDailyTokensRunningOut", severity="warning", values=v, dashboard="model", labels=TARGET + ", model",
        expr=f"{left} > 0\nand\n{spent} >= {v['running_out']}\nunless\n{spent} >= {v['gone']}",
        summary=QUOTA_ROW + " will be spent in {{ $value | humanizeDuration }}",
        description=(
            lookup("max(bedrock_quota_utilization_ratio{%s})", QUOTA, "value | humanizePercentage") + " of today's "
            + LIMIT + " tokens are spent (" + WHERE + "). At today's pace the rest lasts {{ $value | humanizeDuration }}, "
            "not until the reset."))
    yield dict(
        alert="BedrockDailyTokensGone", severity="critical", values=v, dashboard="model", labels=TARGET + ", model",
        expr=f"{spent} >= {v['gone']}",
        summary=QUOTA_ROW + " is spent: calls are refused until the reset",
        description=(
            "{{ $value | humanizePercentage }} of today's " + LIMIT + " tokens are spent (" + WHERE + "). Bedrock refuses "
            "the model in this scope until the day's quota is restored; another scope, region or model may still answer."))


def zero_quota(v):
    rows = ('bedrock_quota_limit{endpoint="runtime",variant="standard",'
            'quota=~"requests_per_minute|tokens_per_minute|tokens_per_day"%s}')
    return dict(
        alert="BedrockZeroQuotaAttempted", severity="warning", values=v, dashboard="model", labels=MODEL,
        expr=f"""\
{top(MODEL, 'bedrock_attempts{window="30m"}')} >= {v["attempts"]}
and
{top(MODEL, top(QUOTA, rows.replace("%s", "")) + " == 0")}""",
        summary=NAME + " is called but its quota is 0",
        description=(
            "{{ $value | humanize }} calls within 30 minutes (" + WHERE + ") to a model with a quota of 0: "
            + lookup_each("max by (quota) (" + rows.replace("%s", ",%s") + ") == 0", MODEL, "quota")
            + ". Such calls are refused until AWS grants a value."))


def unmapped(v):
    by = "account_id, region, model_id"
    return dict(
        alert="BedrockUnmappedTraffic", severity="warning", values=v, dashboard="overview", labels=by + ", reason",
        expr=f"""\
{top(by + ", reason", "bedrock_unmapped_model")} == 1
and on ({by})
{top(by, f"bedrock_unmapped_model offset {v['minutes']}m")} == 1
and on ({by})
(
  {top(by, "increase(bedrock_invocations_total[1h])")} > 0
  or
  {top(by, "increase(bedrock_invocation_throttles_total[1h])")} > 0
)""",
        summary="Traffic of {{ $labels.model_id }} is held against no quota",
        description=(
            f"For {v['minutes']} minutes or longer " + "{{ $labels.model_id }} (" + WHERE + ") has had traffic that no "
            "quota could be found for: {{ $labels.reason }}. What it spends is missing from every ratio until the "
            "exporter's config says what it is (overrides)."))


def lowered(v):
    """Apart from the others: it reads a day of every limit, so it belongs to a slow group."""
    def below(by, metric):
        return top(by, metric) + "\n< " + top(by, f"max_over_time({metric}[{v['hours']}h])")

    return dict(
        alert="BedrockQuotaLowered", severity="warning", values=v, dashboard="overview", labels=TARGET,
        expr=below(QUOTA, "bedrock_quota_limit") + f"\nor on ({QUOTA_CODE})\n"
             + below(QUOTA_CODE, "bedrock_service_quota_applied"),
        summary="{{ if $labels.model }}" + QUOTA_ROW + "{{ else }}Quota {{ $labels.quota_code }}{{ end }} was lowered to "
        "{{ $value | humanize }}",
        description=(
            "The applied value of “" + QUOTA_NAME + "” is {{ $value | humanize }}; it was "
            + lookup(f"max(max_over_time(bedrock_service_quota_applied{{%s}}[{v['hours']}h]))", QUOTA_CODE,
                     "value | humanize", "higher")
            + f" within the last {v['hours']} hours (" + WHERE + "). The alert ends by itself "
            f"{v['hours']} hours after the change."))
