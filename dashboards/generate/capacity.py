"""Bedrock / Capacity: weeks instead of minutes."""

import frame
import tiles
from links import row_to_model
from panels import CALM, ORANGE, PLAIN, Query, RED, TEXT, describe, graph, percent, stat, steps
from promql import (LABELS, QUOTA, ROW, SPENT, TARGET, aggregate, annotate, by, count, on_labels, one, series,
                    with_account_name)
from tables import (ACCOUNT, ACCOUNT_NAME, MODEL, QUOTA_NAME, REGION, SCOPE, VARIANT, Column, matrix, model_and_place,
                    table, where)
from words import QUOTAS

PLANNING_RATIO = 0.8   # where an increase should have been asked for: grants take days to weeks
HORIZON_DAYS = 30
FAR_DAYS = 365         # a trend says nothing of what is beyond it
UNKNOWN_DAYS = 366     # stands for "no trend known": what is not there would be sorted before what is urgent
WEEK = "7d"
DAYS = "suffix: days"  # Grafana's own unit would turn 9 days into 1.29 weeks
DAY = 86400

# Of counters each quarter of an hour, since idle ids are read as often; of percentiles every other hour is enough.
SAMPLES, PERCENTILE_SAMPLES = "15m", "2h"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def daily_peaks(metric, labels, offset=""):
    """The largest value of the day before, or with a negative offset of the day ahead."""
    return aggregate("max", labels, f"max_over_time({series(metric, **SPENT)}[1d]{offset})")


def rise(metric):
    """How much the daily peaks of the time shown rise per day: the slope of a straight line through them."""
    return f"deriv(({daily_peaks(metric, LABELS[metric])})[$__range:1d]) * {DAY}"


def days_until(level, metric):
    """Days until today's peak, rising like that, reaches `level`: 0 where it is there, FAR_DAYS where it never will."""
    now = daily_peaks(metric, LABELS[metric])
    return f"clamp(({level} - {now}) / clamp_min({rise(metric)}, 1e-9), 0, {FAR_DAYS})"


def percentile(share, expr, window="$__range"):
    return f"quantile_over_time({share}, ({expr})[{window}:{PERCENTILE_SAMPLES}])"


def increase(metric):
    """What a counter gained in each sample's span, once per identifying labels: instances come and go."""
    return f"max {by(LABELS[metric])} (increase({series(metric)}[{SAMPLES}]))"


def remaining_days(timestamp):
    return f"({timestamp} - time()) / {DAY}"


def legacy_calls():
    gained = increase("bedrock_legacy_invocations_total")
    return f"sum by (account_id, region, model) (sum_over_time(({gained})[$__range:{SAMPLES}]))"


PROVISION = "bedrock_provisioned_throughput_"
RATIO = "bedrock_quota_utilization_peak_ratio"


def headline(values):
    size = (4, 3)
    yield tiles.how_many(f"{percent(PLANNING_RATIO)} in {HORIZON_DAYS} days", describe(
        "Which quotas need an increase now?",
        f"Quotas that reach {percent(PLANNING_RATIO)} of the limit within {HORIZON_DAYS} days, or are there, if their daily "
        "peaks rise on as a straight line. A trend needs two days of data at least.",
        "\"Growth and percentiles\" begins with them: ask for the increase with its p50 and p90."),
        f"sum({days_until(PLANNING_RATIO, RATIO)} < bool {HORIZON_DAYS})", size=size,
        no_value="past too short for a trend", color=ORANGE)
    week = percentile(0.9, one(RATIO, **SPENT), WEEK)
    yield tiles.how_many(f"P90 over {percent(PLANNING_RATIO)}", describe(
        "Which quotas are nearly full most days?",
        f"Quotas whose P90 of the last 7 days is {percent(PLANNING_RATIO)} of the limit or more: a tenth of the time "
        "they are fuller still.",
        "The column \"P90, 7 d\" says which. Ask for an increase, or spread the load."),
        f"sum({week} >= bool {PLANNING_RATIO})", size=size, no_value="no usage known", color=ORANGE)
    limit, default = one("bedrock_quota_limit"), one("bedrock_quota_default")
    yield stat("Below default", describe(
        "How many quotas are applied below AWS's default?",
        "New accounts often start far below the published default.",
        "Ask for the default first: it is the easiest increase to be granted."),
        count(f"{limit} < {default}", limit), size=size, unit="none", no_value="no limits known")
    yield stat("Commitment ends", describe(
        "When does the first provisioned-throughput commitment end?",
        "Days until then; the capacity then goes on at the hourly price, or is deleted by you.",
        "Decide: renew, shrink, or move to on-demand."),
        f"min({remaining_days(one(PROVISION + 'commitment_expiration_timestamp_seconds'))})", size=size, unit=DAYS,
        decimals=0, no_value="no commitment", given=steps(ORANGE, (values.commitment_days, PLAIN)))
    created = one("bedrock_service_quota_increase_created_timestamp_seconds", ROW)
    yield stat("Oldest request", describe(
        "Is AWS sitting on a quota increase?",
        "Age of the oldest open increase request, in days.",
        f"Older than {values.request_days} days: answer the case or ask the account team."),
        f"max(time() - {created}) / {DAY}", size=size, unit=DAYS, decimals=0, no_value="none open",
        given=steps(PLAIN, (values.request_days, ORANGE)))
    target_seen = f"0 * max({one('bedrock_exporter_target_up')})"
    yield tiles.how_many("Legacy called", describe(
        "Do we still call models that AWS is retiring?",
        "Models with calls in the Legacy state within the time shown, per account and region.",
        "Move the callers named in \"Lifecycle\" before the end of life: calls fail from that day on."),
        f"count({legacy_calls()} > 0) or {target_seen}", size=size, no_value="exporter not seen",
        color=ORANGE)


def growth(values):
    peak, ratio = one("bedrock_quota_usage_peak", **SPENT), one(RATIO, **SPENT)
    # And still known: of an exporter that is gone nothing is told.
    today = f"({daily_peaks(RATIO, QUOTA)} > 0 and {ratio})"
    days = f"{days_until(PLANNING_RATIO, RATIO)} or 0 * {ratio} + {UNKNOWN_DAYS}"

    def of_today(expr):
        return f"({expr}) and {today}"

    near = steps(CALM, (PLANNING_RATIO, ORANGE), (1, RED))
    return table("Growth and percentiles", describe(
        "How much do we need, and when?",
        f"Days until today's peak, rising like the daily peaks of the time shown, reaches {percent(PLANNING_RATIO)}; "
        "percentiles of the minute peaks: of the ratio over 7 days, of the use over the time shown. Only quotas used "
        "within a day.",
        "An increase request asks for steady (p50) and peak (p90) use: copy them. AWS advises to ask on the "
        "cross-region tokens-per-minute quota."), [
            Column("Model", "model", width=MODEL, link=row_to_model(values)), Column("Region", "region", width=REGION),
            Column("Account name", "account_name", width=ACCOUNT_NAME), Column("Scope", "scope", width=SCOPE),
            Column("Quota", "quota", width=QUOTA_NAME, mappings=QUOTAS),
            Column("Days left", expr=with_account_name(of_today(days)), width=96,
                   unit="none", decimals=0, steps=steps(RED, (7, ORANGE), (HORIZON_DAYS, TEXT)),
                   mappings={UNKNOWN_DAYS: ("no trend", TEXT)}, beyond=(FAR_DAYS, "over a year")),
            Column("P90, 7 d", expr=of_today(percentile(0.9, ratio, WEEK)), least=100, unit="percentunit", decimals=0, bar=True,
                   steps=near),
            Column("Applied", expr=of_today(one("bedrock_quota_limit", **SPENT)), width=74, unit="short"),
            Column("p50", expr=of_today(percentile(0.5, peak)), width=70, unit="short"),
            Column("p90", expr=of_today(percentile(0.9, peak)), width=70, unit="short"),
            Column("Variant", "variant", width=VARIANT), Column("Account", "account_id", width=ACCOUNT),
        ], size=(24, 11), no_value="no usage known", base="Days left",
        sort=[("Days left", False), ("P90, 7 d", True)])


def busy_hours():
    """Weekday and hour become labels, so that one query answers for a whole week of hours."""
    ended = "vector(time() - 3600)"
    clock = (f'count_values("weekday", (day_of_week({ended}) + 6) % 7) * on () group_left (hour) '
             f'label_replace(count_values("hour", hour({ended})), "hour", "0$1", "hour", "(.)")')
    busiest = f"max(max_over_time({series(RATIO, **SPENT)}[1h]))"
    return matrix("Utilization by hour of the week", describe(
        "When is there room for what can wait?",
        "The fullest quota selected: its busiest minute of each hour, averaged over the weeks shown. Hours are UTC. "
        "Choose a model and a scope to see theirs.",
        "Move batches to the hours that stay dark; a colour every day at the same hour is a job to be spread."),
        f"avg_over_time(({busiest} * on () group_right () ({clock}))[$__range:1h])", rows="weekday", columns="hour",
        size=(24, 9), no_value="no usage known", row_title="Weekday", row_width=96, cell=46,
        row_texts={day: (name, TEXT) for day, name in enumerate(WEEKDAYS)},
        given=steps(PLAIN, (0.5, "rgba(142, 142, 142, 0.3)"), (PLANNING_RATIO, "semi-dark-orange"), (1, "semi-dark-red")))


def commitments(values):
    units = PROVISION + "model_units"
    commitment = remaining_days(one(PROVISION + "commitment_expiration_timestamp_seconds"))
    yield table("Provisioned throughput", describe(
        "What have we committed to, and until when?",
        "Model units, those desired while a change is under way, status, and days until the commitment ends.",
        "Failed: the purchase did not go through. Units differ from desired for hours: capacity is short."), [
            *model_and_place(),
            Column("Name", "name", width=180),
            Column("Status", "status", expr=with_account_name(one(PROVISION + "status")), width=110),
            Column("Units", expr=one(units), width=70, unit="none"),
            Column("Desired", expr=one(PROVISION + "desired_model_units"), width=85, unit="none"),
            Column("Days left", expr=commitment, width=100, unit="none", decimals=0,
                   steps=steps(ORANGE, (values.commitment_days, TEXT))),
        ], size=(24, 6), no_value="no provisioned throughput", base="Units", sort=[("Days left", False)])
    batch = {"quota": "batch_jobs"}
    yield table("Batch jobs", describe(
        "Is there room for another batch job?",
        "Submitted and running jobs against the quota of concurrent jobs.",
        "Full: new jobs are refused; queue them, or ask for an increase."), [
            *model_and_place(),
            Column("Jobs", expr=one("bedrock_quota_usage", **batch), width=70, unit="none"),
            Column("Limit", expr=with_account_name(one("bedrock_quota_limit", **batch)), width=70, unit="none"),
            Column("Ratio", expr=f"{one('bedrock_quota_usage', **batch)} / ({one('bedrock_quota_limit', **batch)} > 0)", width=120, unit="percentunit",
                   decimals=0, bar=True, steps=steps(CALM, (PLANNING_RATIO, ORANGE), (1, RED))),
        ], size=(24, 7), no_value="no batch quotas known", base="Limit", sort=[("Ratio", True)])


def open_requests(values):
    requested = one("bedrock_service_quota_increase_requested", ROW)
    created = one("bedrock_service_quota_increase_created_timestamp_seconds", ROW)
    named = annotate(requested, ROW, ROW, ("quota_name",), "bedrock_service_quota_info")
    return table("Open increase requests", describe(
        "What have we asked for, and since when?",
        "The value in force, the value asked for, and the request's age.",
        "CASE_OPENED for days: AWS support waits for an answer. A grant shows as a changed limit, not as a status."), [
            Column("Quota", "quota_name", least=420), *where(),
            Column("Status", "status", width=130, expr=one("bedrock_service_quota_increase_requested")),
            Column("Applied", expr=f"{one('bedrock_service_quota_applied')} and {requested}", width=90, unit="short"),
            Column("Requested", expr=with_account_name(named), width=100, unit="short"),
            Column("Days open", expr=f"(time() - {created}) / {DAY}", width=118, unit="none", decimals=0,
                   steps=steps(TEXT, (values.request_days, ORANGE))),
        ], size=(24, 6), no_value="none open", base="Requested", sort=[("Days open", True)])


def lifecycle(values):
    end = remaining_days(one("bedrock_model_end_of_life_timestamp_seconds"))
    seen = one("bedrock_exporter_target_up", TARGET)
    called = f"({legacy_calls()} > 0 and {on_labels(TARGET)} {seen})"
    return table("Lifecycle", describe(
        "Which models end, when, and who still calls them?",
        "Models with an end of life ahead, and those past it that are still called; calls in the Legacy state within "
        "the time shown.",
        "Few days and any calls: move them now. \"Who spends it\" on the model's page names the callers."), [
            *model_and_place(row_to_model(values)),
            Column("Legacy calls", expr=with_account_name(f"{called} or 0 * ({end} > 0)"), width=120, unit="short", decimals=0,
                   steps=steps(TEXT, (1, ORANGE))),
            Column("Days left", expr=f"{end} > 0 or {end} and {called}", width=100, unit="none", decimals=0),
        ], size=(24, 8), no_value="no end of life published", base="Legacy calls",
        sort=[("Legacy calls", True), ("Days left", False)])


def build(values):
    made = frame.new(
        values, "capacity", "Bedrock / Capacity",
        "Planning over weeks: growth, what to ask for and when, commitments, requests, ends of life. Growth is told "
        "for models that are called.",
        since="now-30d", refresh="", given_variables=frame.variables(spent=True))
    peaks = graph("Daily peaks", describe(
        "Do the peaks grow?",
        "The busiest minute of each UTC day against the limit, of the fullest quota of each model, scope and kind; the "
        "last day is the one that is not over.",
        "A staircase upwards needs an increase before it meets the dashed line; a jump is a new caller: see \"Who "
        "spends it\" on the model's page."),
        [Query(daily_peaks(RATIO, ("model", "scope", "quota"), " offset -1d"), "{{model}} {{scope}} {{quota}}", step="1d")],
        size=(24, 9), unit="percentunit", no_value="no usage known",
        given=steps(PLAIN, (PLANNING_RATIO, ORANGE), (1, RED)), top=1, calcs=("max", "mean"))
    for panel in (*headline(values), growth(values), busy_hours(), peaks, open_requests(values), lifecycle(values)):
        made.with_panel(panel)
    frame.add_row(made, "Provisioned throughput and batch jobs", commitments(values), collapsed=True)
    return made
