"""Bedrock / Quota overview: the fleet, for the first minute of an incident."""

import frame
from panels import (Column, GREEN, GREY, ORANGE, Query, RED, YELLOW, describe, graph, percent, stat, steps, table)
from promql import (ID, QUOTA, THROTTLE, USED, aggregate, busiest, count, one, per_minute, series,
                    with_account_name)
from words import CAUSES, STATES

MODEL, ACCOUNT, REGION, SCOPE, QUOTA_NAME = 330, 125, 125, 105, 170


def throttled_share(window="5m"):
    """Refused calls of all attempts, over the selected models."""
    attempts = one("bedrock_attempts", THROTTLE, window=window)
    refused = f"{one('bedrock_throttle_ratio', THROTTLE, window=window)} * {attempts}"
    return f"sum({refused}) / (sum({attempts}) > 0)"


def data_age():
    return f"time() - min({one('bedrock_usage_complete_until_timestamp_seconds')})"


def runs_out():
    return f"min({one('bedrock_quota_exhaustion_timestamp_seconds')}) - time()"


RUNS_OUT = "no day quota runs out, or none known"


def limits_lowered(hours):
    limit = one("bedrock_quota_limit")
    return count(f"{limit} < {busiest('bedrock_quota_limit', window=f'{hours}h')}", limit)


def build(values):
    peak = one("bedrock_quota_utilization_peak_ratio")
    used_peak = f"{one('bedrock_quota_utilization_peak_ratio', **USED)} > 0"
    nothing = f"0 * {one('bedrock_quota_state', QUOTA)}"
    limit, default = one("bedrock_quota_limit"), one("bedrock_quota_default")
    state = one("bedrock_quota_state", THROTTLE)
    collectors = one("bedrock_exporter_target_up")
    unmapped = one("bedrock_unmapped_model")
    minutes = values.unmapped_minutes
    near = steps(GREEN, (values.near_limit, ORANGE), (1, RED))

    made = frame.new(
        values.uids["overview"], "Bedrock / Quota overview",
        "Are we throttled, where and by which limit; how close is everything else; is the picture fresh.",
        since="now-6h", refresh="1m", given_variables=frame.variables(used=True))

    now = [
        stat("Throttled share", describe(
            "Are calls being refused right now?",
            "Refused calls of all attempts in the last five minutes, over everything selected.",
            "The table \"Throttled now\" says where and by which limit; open the model from there."),
            throttled_share(), size=(6, 4), unit="percentunit", decimals=1, no_value="no calls in 5 minutes",
            given=steps(GREEN, (0.000001, ORANGE), (values.throttle_ratio, RED))),
        stat("Highest utilization", describe(
            "How close is the fullest quota to its limit?",
            "The busiest minute of the last 15 against its limit, of the fullest quota selected. Settled use, without "
            "what Bedrock reserves for max_tokens: refusals can come far below 100 %.",
            "See which one in \"Utilization ranking\". At 100 %: spread the load, move to a scope with room, or ask "
            "for an increase."),
            f"max({peak})", size=(6, 4), unit="percentunit", decimals=0, no_value="no usage known", given=near),
        stat("Quotas at risk", describe(
            f"How many quotas had a minute at or above {percent(values.near_limit)} of their limit in the last 15?",
            "A batch that runs at 95 % is healthy: this is for planning, not for waking up.",
            "Go through \"Utilization ranking\" and see on the model's page whether it is a peak or a trend."),
            count(f"{peak} >= {values.near_limit}", peak), size=(6, 4), unit="none", no_value="no usage known",
            given=steps(GREEN, (1, ORANGE))),
        stat("Data age", describe(
            "How old is the picture?",
            "Time since the end of the last minute that was read for every id, of the oldest account and region. "
            "Two to four minutes is normal: CloudWatch publishes late.",
            "Do not trust the other panels for the stale account and region. Bedrock / Exporter says which collector "
            "fails and why."),
            data_age(), size=(6, 4), unit="s", decimals=0, no_value="usage never read",
            given=steps(GREEN, (values.stale_seconds, RED))),
    ]
    also = [
        stat("Day quota runs out in", describe(
            "When does the first tokens-per-day quota run out?",
            "At today's pace, if before its reset; the soonest of those selected.",
            "Slow down what can wait, or move it to another scope; spent day quotas come back only with the reset."),
            runs_out(), size=(4, 3), unit="s", decimals=1, no_value=RUNS_OUT,
            given=steps(RED, (3600, ORANGE))),
        stat("Limits lowered", describe(
            f"Did a limit change under us in the last {values.lowered_hours} hours?",
            "Quotas whose applied limit is below its own maximum of that time.",
            "Compare with the table below, and the limit's history on the model's page; ask AWS support why."),
            limits_lowered(values.lowered_hours), size=(4, 3), unit="none", no_value="no limits known",
            given=steps(GREEN, (1, RED))),
        stat("Quotas below default", describe(
            "How many quotas are applied below AWS's default?",
            "New accounts often start far below the published default.",
            "Ask for the default first: it is the easiest increase to be granted."),
            count(f"{limit} < {default}", limit), size=(4, 3), unit="none", no_value="no limits known",
            given=steps(GREEN, (1, YELLOW))),
        stat("Zero quotas with attempts", describe(
            "Is somebody calling a model whose quota is 0?",
            f"Models and scopes with an applied quota of 0 and at least {values.zero_quota_attempts} attempts in "
            "30 minutes. Every such call is refused.",
            "Point the caller to a scope or region with a quota, or ask for one."),
            count(f"{one('bedrock_quota_state', THROTTLE, state='zero')} and "
                  f"{one('bedrock_attempts', THROTTLE, window='30m')} >= {values.zero_quota_attempts}", state),
            size=(4, 3), unit="none", no_value="no quotas known", given=steps(GREEN, (1, RED))),
        stat("Unmapped traffic", describe(
            "Is there traffic that no quota could be found for?",
            f"Invocation ids without a quota, for at least {minutes} minutes; kept for a day after their last call.",
            "`bedrock-quota-exporter explain ID` says why; one line under `overrides` in the config maps it."),
            f"count({unmapped} and {one('bedrock_unmapped_model', offset=f'{minutes}m')}) or 0 * max({collectors})",
            size=(4, 3), unit="none", no_value="exporter not seen", given=steps(GREEN, (1, YELLOW))),
        stat("Collectors failing", describe(
            "Is the picture complete?",
            "Collectors of an account and region whose last attempt did not bring all it asked for.",
            "Bedrock / Exporter lists them with their age and the kind of error."),
            count(f"{collectors} == 0", collectors), size=(4, 3), unit="none", no_value="exporter not seen",
            given=steps(GREEN, (1, RED))),
    ]

    cause = one("bedrock_throttle_cause")
    on_key = f"on ({', '.join(THROTTLE)})"

    def of_throttled(expr):
        return f"{expr} and {on_key} {cause}"

    link = frame.link_to_model(values)
    throttled = table("Throttled now", describe(
        "Who is refused, and by which limit?",
        "Models and scopes refused within the last 15 minutes. The cause is named from five throttled minutes on. "
        "Ceiling is the largest measured utilization among the throttled minutes: far below 100 % means that Bedrock "
        "reserved input + max_tokens at admission. Share is of the last five minutes; – where nothing was tried.",
        "Reservation: lower max_tokens. Requests or tokens per minute: slow down, spread or raise. Capacity: no quota "
        "helps; use another scope or region. The model's page shows where there is room."), [
            Column("Model", "model", width=MODEL, link=link),
            Column("Cause", "cause", expr=with_account_name(cause, THROTTLE + ("cause",)), width=190, mappings=CAUSES),
            Column("Share 5m", expr=of_throttled(one("bedrock_throttle_ratio", THROTTLE, window="5m")), width=90,
                   unit="percentunit", decimals=1,
                   steps=steps(GREEN, (0.000001, ORANGE), (values.throttle_ratio, RED))),
            Column("Throttled", expr=of_throttled(one("bedrock_throttled_seconds", THROTTLE, window="15m")),
                   width=90, unit="s"),
            Column("Ceiling", expr=of_throttled(one("bedrock_quota_throttled_utilization_ratio", THROTTLE)),
                   width=80, unit="percentunit", decimals=0,
                   steps=steps(ORANGE, (values.reservation_ceiling, RED))),
            Column("Scope", "scope", width=SCOPE), Column("Region", "region", width=REGION),
            Column("Account", "account_id", width=ACCOUNT), Column("Account name", "account_name", width=140),
        ], size=(12, 9), no_value="nothing throttled in 15 minutes, or no data: see Data age",
        base="Cause", sort=("Share 5m", True))
    ranking = table("Utilization ranking", describe(
        "Which quotas are fullest?",
        "The 20 fullest quotas by the busiest minute of the last 15.",
        "Open the model: peak or trend, who spends it, where there is room."), [
            Column("Model", "model", width=MODEL, link=link),
            Column("Quota", "quota", width=QUOTA_NAME),
            Column("Peak", expr=f"topk(20, {with_account_name(used_peak, QUOTA)})", width=140, unit="percentunit",
                   decimals=0, bar=True, steps=near),
            Column("Scope", "scope", width=SCOPE), Column("Region", "region", width=REGION),
            Column("Account", "account_id", width=ACCOUNT), Column("Account name", "account_name", width=140),
        ], size=(12, 9), no_value="nothing used, or no usage known", base="Peak", sort=("Peak", True))
    kinds = ("model", "scope", "quota")
    ratio = aggregate("max", kinds, series("bedrock_quota_utilization_peak_ratio", **USED))
    over_time = graph("Utilization over time", describe(
        "Peak or trend?",
        "The fullest quota of each model, scope and kind with any use in the time shown: the busiest minute of the 15 "
        "before each point. Dashed: the alert's threshold and the limit.",
        "A plateau at the limit costs calls; a single peak does not. Quotas that rise every day belong to Bedrock / "
        "Capacity."),
        [Query(f"{ratio} and max_over_time(({ratio})[$__range:15m] @ end()) > 0", "{{model}} {{scope}} {{quota}}")],
        size=(14, 10), unit="percentunit", no_value="nothing used, or no usage known", given=near, top=1)
    throttles = graph("Throttles by model", describe(
        "Since when, and which models?",
        "Refused calls per minute. Clients that retry inflate it.",
        "Read the cause in \"Throttled now\"; a storm from one client shows as one model and scope."),
        [Query(f"sum by (model, scope) ({per_minute('bedrock_invocation_throttles_total', ID)})",
               "{{model}} {{scope}}")],
        size=(10, 10), unit="cpm", no_value="no calls known", bars=True, stacked=True, calcs=("max", "mean"))

    # 0 stands for no open request and is shown as –: with a row for every quota the rows merge quickly.
    row_requested = aggregate("max", ("account_id", "region", "quota_code"),
                              series("bedrock_service_quota_increase_requested"))
    inventory = table("Quota inventory", describe(
        "What are our limits, how full are they, and is more on its way?",
        "Every model quota selected: applied and default limit, the newest settled minute, the busiest minute of the "
        "time shown and its share of the limit, state, and the value asked for in an open increase request. Filter by "
        "the column heads.",
        "Red states: `zero` refuses every call; `AWS reports an error` and `no value listed` mean that the limit is "
        "not known. A model without requests-per-minute quota is not an error."), [
            Column("Model", "model", width=MODEL, link=link),
            Column("Quota", "quota", width=QUOTA_NAME), Column("Scope", "scope", width=SCOPE),
            Column("Variant", "variant", width=110),
            Column("Ratio", expr=busiest("bedrock_quota_utilization_peak_ratio"), width=140, unit="percentunit",
                   decimals=0, bar=True, steps=near),
            Column("Applied", expr=limit, width=90, unit="short"),
            Column("Default", expr=default, width=90, unit="short"),
            Column("Used", expr=one("bedrock_quota_usage"), width=90, unit="short"),
            Column("Peak", expr=busiest("bedrock_quota_usage_peak"), width=90, unit="short"),
            Column("State", "state", expr=with_account_name(one("bedrock_quota_state"), QUOTA + ("state",)),
                   width=180, mappings=STATES),
            Column("Requested", expr=f"{nothing} + on (account_id, region, quota_code) group_left () {row_requested} "
                                     f"or {nothing}", width=100, unit="short", mappings={0: ("–", GREY)}),
            Column("Region", "region", width=REGION), Column("Account", "account_id", width=ACCOUNT),
            Column("Account name", "account_name", width=140),
            Column("Endpoint", "endpoint", width=90), Column("Code", "quota_code", width=110),
        ], size=(24, 16), no_value="no quotas known", base="State", sort=("Ratio", True))

    for panel in now + also:
        made.with_panel(panel)
    for panel in (throttled, ranking, over_time, throttles, inventory):
        made.with_panel(panel)
    return made
