"""Bedrock / Capacity: weeks instead of minutes."""

import frame
from overview import ACCOUNT, MODEL, QUOTA_NAME, REGION, SCOPE
from panels import Column, GREEN, GREY, ORANGE, Query, RED, YELLOW, describe, graph, percent, stat, steps, table
from promql import LABELS, PROVISIONED, QUOTA, ROW, USED, annotate, by, count, one, series, with_account_name

PLANNING_RATIO = 0.8   # where an increase should have been asked for: grants take days to weeks
HORIZON_DAYS = 30
DAY = 86400

# The published peaks look back 15 minutes, so one sample in 15 minutes misses none.
SAMPLES = "15m"


def daily_peaks(expr, offset=""):
    """The largest value of the day before, or with a negative offset of the day ahead."""
    return f"max_over_time(({expr})[1d:{SAMPLES}]{offset})"


def trend(expr):
    """Straight line through the daily peaks of the time shown: (its value now, its rise per day)."""
    days = f"({daily_peaks(expr)})[$__range:1d]"
    return f"predict_linear({days}, 0)", f"deriv({days}) * {DAY}"


def days_until(level, expr):
    now, rise = trend(expr)
    return f"clamp_min(({level} - {now}) / ({rise} > 0), 0)"


def percentile(share, expr):
    return f"quantile_over_time({share}, ({expr})[$__range:{SAMPLES}])"


def increase(metric):
    """What a counter gained in each sample's span, once per identifying labels: instances come and go."""
    return f"max {by(LABELS[metric])} (increase({series(metric)}[{SAMPLES}]))"


def remaining_days(timestamp):
    return f"({timestamp} - time()) / {DAY}"


def build(values):
    ratio = one("bedrock_quota_utilization_peak_ratio", **USED)
    peak = one("bedrock_quota_usage_peak", **USED)
    limit = one("bedrock_quota_limit", **USED)
    near = steps(GREEN, (PLANNING_RATIO, ORANGE), (1, RED))
    few_days = steps(RED, (7, ORANGE), (HORIZON_DAYS, GREEN))
    until = days_until(PLANNING_RATIO, ratio)

    provisioned = "bedrock_provisioned_throughput_"
    commitment = remaining_days(one(provisioned + "commitment_expiration_timestamp_seconds"))
    requested = one("bedrock_service_quota_increase_requested", ROW)
    created = one("bedrock_service_quota_increase_created_timestamp_seconds", ROW)
    end_of_life = remaining_days(one("bedrock_model_end_of_life_timestamp_seconds"))
    target_seen = f"0 * max({one('bedrock_exporter_target_up')})"
    gained = increase("bedrock_legacy_invocations_total")
    legacy_calls = f"sum by (account_id, region, model) (sum_over_time(({gained})[$__range:{SAMPLES}]))"

    made = frame.new(
        values.uids["capacity"], "Bedrock / Capacity",
        "Planning over weeks: growth, what to ask for and when, commitments, requests, ends of life. Growth is told "
        "for models that are called.",
        since="now-30d", refresh="", given_variables=frame.variables(used=True))
    headline = [
        stat(f"Reaching {percent(PLANNING_RATIO)} within {HORIZON_DAYS} days", describe(
            "Which quotas need an increase now?",
            f"Quotas whose daily peaks, drawn on as a straight line, reach {percent(PLANNING_RATIO)} of the limit "
            f"within {HORIZON_DAYS} days.",
            "Sort the table by days, and ask for the increase with its p50 and p90."),
            count(f"{until} < {HORIZON_DAYS}", ratio), size=(6, 4), unit="none", no_value="no usage known",
            given=steps(GREEN, (1, ORANGE))),
        stat("Days to next commitment end", describe(
            "When does the first provisioned-throughput commitment end?",
            "Days until then; the capacity then goes on at the hourly price, or is deleted by you.",
            "Decide: renew, shrink, or move to on-demand."),
            f"min({commitment})", size=(6, 4), unit="none", decimals=0, no_value="no commitment",
            given=steps(RED, (values.commitment_days, GREEN))),
        stat("Days the oldest request is open", describe(
            "Is AWS sitting on a quota increase?",
            "Age of the oldest open increase request, in days.",
            f"Older than {values.request_days} days: answer the case or ask the account team."),
            f"max(time() - {created}) / {DAY}", size=(6, 4), unit="none", decimals=0, no_value="none open",
            given=steps(GREEN, (values.request_days, ORANGE))),
        stat("Legacy models called", describe(
            "Do we still call models that AWS is retiring?",
            "Models with calls in the Legacy state within the time shown.",
            "Move the callers named in \"Lifecycle\" before the end of life: calls fail from that day on."),
            f"count({legacy_calls} > 0) or {target_seen}", size=(6, 4), unit="none", no_value="exporter not seen",
            given=steps(GREEN, (1, ORANGE))),
    ]
    peaks = graph("Daily peaks", describe(
        "Do the peaks grow?",
        "The busiest minute of each UTC day against the limit, of the fullest quota of each model, scope and kind; the "
        "last day is the one that is not over.",
        "A staircase upwards needs an increase before it meets the dashed line; a jump is a new caller: see \"Who "
        "spends it\" on the model's page."),
        [Query(f"max by (model, scope, quota) ({daily_peaks(ratio, ' offset -1d')})",
               "{{model}} {{scope}} {{quota}}", step="1d")],
        size=(24, 9), unit="percentunit", no_value="no usage known", given=near, top=1, calcs=("max", "mean"))
    growth = table("Growth and percentiles", describe(
        "How much do we need, and when?",
        "Percentiles of the minute peaks over the time shown, the trend of the daily peaks in points of the limit per "
        f"day, and the days until the trend reaches {percent(PLANNING_RATIO)}; blank where it does not grow. Only "
        "quotas with use.",
        "An increase request asks for steady (p50) and peak (p90) use: copy them. AWS advises to ask on the "
        "cross-region tokens-per-minute quota."), [
            Column("Model", "model", width=MODEL, link=frame.link_to_model(values)),
            Column("Quota", "quota", width=QUOTA_NAME), Column("Scope", "scope", width=SCOPE),
            Column("Days left", expr=until, width=90, unit="none", decimals=0, steps=few_days),
            Column("Growth per day", expr=trend(ratio)[1], width=120, unit="percentunit", decimals=2),
            Column("Applied", expr=with_account_name(limit, QUOTA), width=90, unit="short"),
            Column("p50", expr=percentile(0.5, peak), width=80, unit="short"),
            Column("p90", expr=percentile(0.9, peak), width=80, unit="short"),
            Column("p99", expr=percentile(0.99, peak), width=80, unit="short"),
            Column("p99 ratio", expr=percentile(0.99, ratio), width=120, unit="percentunit", decimals=0, bar=True,
                   steps=near),
            Column("Variant", "variant", width=110), Column("Region", "region", width=REGION),
            Column("Account", "account_id", width=ACCOUNT), Column("Account name", "account_name", width=140),
        ], size=(24, 11), no_value="no usage known", base="Applied", sort=("Days left", False), only_above=("p99", 0))
    units = table("Provisioned throughput", describe(
        "What have we committed to, and until when?",
        "Model units, those desired while a change is under way, status, and days until the commitment ends.",
        "Failed: the purchase did not go through. Units differ from desired for hours: capacity is short."), [
            Column("Name", "name", width=180), Column("Model", "model", width=MODEL),
            Column("Units", expr=one(provisioned + "model_units"), width=70, unit="none"),
            Column("Desired", expr=one(provisioned + "desired_model_units"), width=80, unit="none"),
            Column("Status", "status", expr=with_account_name(one(provisioned + "status"), PROVISIONED + ("status",)),
                   width=110),
            Column("Days left", expr=commitment, width=90, unit="none", decimals=0,
                   steps=steps(RED, (values.commitment_days, GREEN))),
            Column("Region", "region", width=REGION), Column("Account", "account_id", width=ACCOUNT),
            Column("Account name", "account_name", width=140),
        ], size=(14, 8), no_value="no provisioned throughput", base="Units", sort=("Days left", False))
    batch = {"quota": "batch_jobs"}
    jobs = table("Batch jobs", describe(
        "Is there room for another batch job?",
        "Submitted and running jobs against the quota of concurrent jobs.",
        "Full: new jobs are refused; queue them, or ask for an increase."), [
            Column("Model", "model", width=MODEL),
            Column("Jobs", expr=one("bedrock_quota_usage", **batch), width=70, unit="none"),
            Column("Limit", expr=one("bedrock_quota_limit", **batch), width=70, unit="none"),
            Column("Ratio", expr=one("bedrock_quota_utilization_ratio", **batch), width=120, unit="percentunit",
                   decimals=0, bar=True, steps=near),
            Column("Region", "region", width=REGION), Column("Account", "account_id", width=ACCOUNT),
        ], size=(10, 8), no_value="no batch quotas known", base="Limit", sort=("Ratio", True))
    requests = table("Open increase requests", describe(
        "What have we asked for, and since when?",
        "The value in force, the value asked for, and the request's age.",
        "CASE_OPENED for days: AWS support waits for an answer. A grant shows as a changed limit, not as a status."), [
            Column("Quota", "quota_name", width=420), Column("Status", "status", width=130,
                                                           expr=one("bedrock_service_quota_increase_requested")),
            Column("Applied", expr=f"{one('bedrock_service_quota_applied')} and {requested}", width=90, unit="short"),
            Column("Requested", expr=annotate(requested, ROW, ROW, "quota_name", "bedrock_service_quota_info"),
                   width=100, unit="short"),
            Column("Days open", expr=f"(time() - {created}) / {DAY}", width=100, unit="none", decimals=0,
                   steps=steps(GREEN, (values.request_days, ORANGE))),
            Column("Region", "region", width=REGION), Column("Account", "account_id", width=ACCOUNT),
        ], size=(24, 7), no_value="none open", base="Requested", sort=("Days open", True))
    lifecycle = table("Lifecycle", describe(
        "Which models end, when, and who still calls them?",
        "Models with a published end of life, and the calls in the Legacy state within the time shown.",
        "Few days and any calls: move them now. \"Who spends it\" on the model's page names the callers."), [
            Column("Model", "model", width=MODEL, link=frame.link_to_model(values)),
            Column("Lifecycle", "lifecycle", width=110),
            Column("Days left", width=90, unit="none", decimals=0,
                   expr=annotate(end_of_life, ("account_id", "region", "model"), ("account_id", "region", "model"),
                                 "lifecycle", "bedrock_model_info"),
                   steps=steps(RED, (values.end_of_life_days, GREEN))),
            Column("Legacy calls", expr=f"{legacy_calls} > 0", width=120, unit="short",
                   steps=steps(GREY, (1, YELLOW))),
            Column("Region", "region", width=REGION), Column("Account", "account_id", width=ACCOUNT),
        ], size=(24, 8), no_value="no end of life published", base="Days left", sort=("Days left", False))
    for panel in (*headline, peaks, growth, units, jobs, requests, lifecycle):
        made.with_panel(panel)
    return made
