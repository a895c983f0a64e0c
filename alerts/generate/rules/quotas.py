"""Limits: close, spent, lowered, zero, unknown."""

from . import promql
from .promql import CROSS_MODEL_DAY, MINUTE_QUOTAS, MODEL, QUOTA, QUOTA_CODE, STANDARD_ROWS, TARGET, top
from .text import lookup, lookup_each, minutes, percent

LIMIT = lookup("max(bedrock_quota_limit{%s})", QUOTA, "value | humanize")


def alerts(values):
    yield near_limit(values)
    yield saturated(values)
    yield service_near_limit(values["service_near_limit"])
    yield running_out(values["daily"])
    yield gone(values["daily"])
    yield zero_quota(values["zero_quota"])
    yield unmapped(values["unmapped"])


def above(v):
    return top(QUOTA, f'bedrock_quota_above_threshold_seconds{{threshold="{v["ratio"]:g}",{MINUTE_QUOTAS}}}')


def near_limit(values):
    v = values["near_limit"]
    return dict(
        alert="BedrockQuotaNearLimit",
        severity="warning",
        values=v,
        dashboard="model",
        labels=QUOTA,
        expr=f"{above(v)} >= {v['above_seconds']}",
        summary="<quota> of <model> (<scope>, <region>): <ratio> of the limit or more for <value_duration>",
        description="<value_duration> of the last <lookback> spent <ratio> or more of the limit of <limit> (<where>); the "
        "largest minute spent <peak>. Nothing need be wrong. Ask for more (quota code <quota_code>) if the load will grow.",
        parts={
            "ratio": percent(v["ratio"]),
            "lookback": minutes(values["timing"]["lookback_seconds"]),
            "limit": LIMIT,
            "peak": lookup("max(bedrock_quota_utilization_peak_ratio{%s})", QUOTA, "value | humanizePercentage"),
        },
    )


def service_near_limit(v):
    peak = top(QUOTA_CODE, "bedrock_service_quota_utilization_peak_ratio")
    return dict(
        alert="BedrockServiceQuotaNearLimit",
        severity="warning",
        values=v,
        dashboard="overview",
        labels=QUOTA_CODE,
        expr=f"{peak} >= {v['ratio']}",
        summary="<quota_name> (<region>): <value_percent> of the limit are used",
        description="<quota_name> (quota code <quota_code>, <where>): <usage> of <limit> are used, at most <value_percent> lately. "
        "Where the limit is one of seconds, that is a mean of minutes: single seconds may be refused already.",
        parts={
            "usage": lookup("max(bedrock_service_quota_usage{%s})", QUOTA_CODE, "value | humanize"),
            "limit": lookup("max(bedrock_service_quota_applied{%s})", QUOTA_CODE, "value | humanize"),
        },
    )


def saturated(values):
    v, step = values["saturated"], values["timing"]["samples_step"]
    expected = v["hours"] * 60 // int(step.removesuffix("m"))
    return dict(
        alert="BedrockQuotaSaturated",
        severity="warning",
        values=v,
        dashboard="capacity",
        labels=QUOTA,
        expr=f"""\
count_over_time(
  ({above(v)} >= {v["above_seconds"]})[{v["hours"]}h:{step}]
) >= {v["samples"]} * {expected}""",
        summary="<quota> of <model> (<scope>, <region>) has had no room for <hours> hours",
        description="All through the last <hours> hours, <above> or more of every <lookback> spent <ratio> or more of the "
        "limit of <limit> (<where>). Any growth is refused: raise the limit (quota code <quota_code>), spread the load "
        "over scopes and regions, or move what can wait to batch inference.",
        parts={
            "hours": str(v["hours"]),
            "above": minutes(v["above_seconds"]),
            "lookback": minutes(values["timing"]["lookback_seconds"]),
            "ratio": percent(v["ratio"]),
            "limit": LIMIT,
        },
    )


SPENT = top(QUOTA, 'bedrock_quota_utilization_ratio{quota="tokens_per_day"}')


def running_out(v):
    left = top(QUOTA, 'bedrock_quota_exhaustion_timestamp_seconds{quota="tokens_per_day"}') + " - time()"
    return dict(
        alert="BedrockDailyTokensRunningOut",
        severity="warning",
        values=v,
        dashboard="model",
        labels=TARGET + ", model",
        expr=f"{left} > 0\nand\n{SPENT} >= {v['running_out']}\nunless\n{SPENT} >= {v['gone']}",
        summary="<quota> of <model> (<scope>, <region>) will be spent in <value_duration>",
        description="<spent> of today's <limit> tokens are spent (<where>). At today's pace the rest lasts "
        "<value_duration>, not until the reset.",
        parts={
            "spent": lookup("max(bedrock_quota_utilization_ratio{%s})", QUOTA, "value | humanizePercentage"),
            "limit": LIMIT,
        },
    )


def gone(v):
    return dict(
        alert="BedrockDailyTokensGone",
        severity="critical",
        values=v,
        dashboard="model",
        labels=TARGET + ", model",
        expr=f"{SPENT} >= {v['gone']}",
        summary="<quota> of <model> (<scope>, <region>) is spent: calls are refused until the reset",
        description="<value_percent> of today's <limit> tokens are spent (<where>). Bedrock refuses the model in this scope "
        "until the day's quota is restored; another scope, region or model may still answer.",
        parts={"limit": LIMIT},
    )


def zero_quota(v):
    return dict(
        alert="BedrockZeroQuotaAttempted",
        severity="warning",
        values=v,
        dashboard="model",
        labels=MODEL,
        expr=f"""\
{top(MODEL, f'bedrock_attempts{{window="30m",{promql.SHARED_POOL}}}')} >= {v["attempts"]}
and
{promql.zero_quota()}""",
        summary="<model> (<scope>, <region>) is called but its quota is 0",
        description="<value> calls within 30 minutes (<where>) to a model with a quota of 0: <quotas>. Such calls are "
        "refused until AWS grants a value.",
        parts={
            "quotas": lookup_each(f"max by (quota) (bedrock_quota_limit{{{STANDARD_ROWS},%s}}) == 0", MODEL, "quota"),
        },
    )


def unmapped(v):
    by = "account_id, region, model_id"
    return dict(
        alert="BedrockUnmappedTraffic",
        severity="warning",
        values=v,
        dashboard="overview",
        labels=by + ", reason",
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
        summary="Traffic of <model_id> is held against no quota",
        description="For <minutes> minutes or longer <model_id> (<where>) has had traffic that no quota could be found for "
        "(reason: <reason>). What it spends is missing from every ratio until the exporter's config says what it is (overrides).",
        parts={"minutes": str(v["minutes"])},
    )


def lowered(v):
    """Apart from the others: it reads a day of every limit, so it belongs to a slow group."""

    def below(by, limits):
        return top(by, limits) + "\n< " + top(by, f"max_over_time({limits}[{v['hours']}h])")

    before = f"max(max_over_time(bedrock_service_quota_applied{{%s}}[{v['hours']}h]))"
    return dict(
        alert="BedrockQuotaLowered",
        severity="warning",
        values=v,
        dashboard="overview",
        labels=TARGET,
        expr=f"""\
{below(QUOTA, "bedrock_quota_limit")}
or
{below(QUOTA_CODE, f"bedrock_service_quota_applied{{{CROSS_MODEL_DAY}}}")}""",
        summary="{{ if $labels.model }}<quota> of <model> (<scope>, <region>){{ else }}Quota <quota_code>{{ end }} was "
        "lowered to <value>",
        description="The applied value of “<quota_name>” is <value>; it was <before> within the last <hours> hours "
        "(<where>). The alert ends by itself <hours> hours after the change.",
        parts={
            "hours": str(v["hours"]),
            "before": lookup(before, QUOTA_CODE, "value | humanize", "higher"),
        },
    )
