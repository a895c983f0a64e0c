"""Bedrock / Model: one model, everything that decides whether its calls get through."""

import frame
from overview import RUNS_OUT, data_age, limits_lowered, runs_out, throttled_share
from panels import (Column, GREEN, ORANGE, Query, RED, dashed, describe, graph, on_right_axis, points, stat, steps,
                    table, timeline)
from promql import ID, QUOTA, THROTTLE, aggregate, by, one, per_minute, series, with_account_name
from words import CAUSES, STATES

# Lines within one model's row: what is left to tell them apart.
LINE = ("account_id", "scope", "variant", "quota")
LEGEND = "{{account_id}} {{scope}} {{variant}}"
TOKENS = "~tokens_per_minute|input_tokens_per_minute|output_tokens_per_minute"


def coded(metric, label, texts, labels, first):
    """One number per series for which of the label's values holds, for a state timeline."""
    parts = [f"{code} * {series(metric, **{label: value})}" for code, value in enumerate(texts, first)]
    return f"max {by(labels)} ({' or '.join(parts)})"


def used_against_limit(quota):
    return [
        Query(aggregate("max", LINE, f"max_over_time({series('bedrock_quota_usage', quota=quota)}[$__rate_interval])"),
              f"{LEGEND} {{{{quota}}}} used"),
        Query(one("bedrock_quota_limit", LINE, quota=quota), f"{LEGEND} {{{{quota}}}} limit"),
        Query(one("bedrock_quota_default", LINE, quota=quota), f"{LEGEND} {{{{quota}}}} default"),
    ]


LIMIT_LINES = [dashed("/ limit$/", RED), dashed("/ default$/", "text", dash=(2, 6))]


def throttles_over_utilization(values, pool, per_quota, size, where=""):
    """`pool` labels tell apart what is throttled; utilization is told apart by `per_quota` labels too."""
    labels = pool + per_quota
    legend, pool_legend = (" ".join(f"{{{{{label}}}}}" for label in each) for each in (labels, pool))
    peak = aggregate("max", labels, series("bedrock_quota_utilization_peak_ratio"))
    return graph("Throttles over utilization" + where, describe(
        "Are calls refused at the limit, or far below it?",
        "Lines: the fullest quota's busiest minute of the last 15. Dots: the observed ceiling, the largest measured "
        "utilization among the throttled minutes. Bars: refused calls per minute, right axis.",
        "Bars with dots near 100 %: the limit is reached; spread or raise. Bars with dots far below: Bedrock reserves "
        "input + max_tokens at admission; lower max_tokens. Bars without dots: every call is refused, or usage is not "
        "known."),
        [Query(peak, f"{legend} utilization"),
         Query(aggregate("max", labels, series("bedrock_quota_throttled_utilization_ratio")), f"{legend} ceiling"),
         Query(f"sum {by(pool)} ({per_minute('bedrock_invocation_throttles_total', ID)})", f"{pool_legend} refused")],
        size=size, unit="percentunit", no_value="no usage known", top=1,
        given=steps(GREEN, (values.near_limit, ORANGE), (1, RED)),
        overrides=[points("/ ceiling$/"), on_right_axis("/ refused$/", "cpm", bars=True)])


def headline(values):
    cause = aggregate("max", ("cause",), series("bedrock_throttle_cause"))
    attempts = one("bedrock_attempts", THROTTLE, window="30m")
    none = f'label_replace(0 * max({attempts}), "cause", "not throttled", "", "")'
    peak = one("bedrock_quota_utilization_peak_ratio")
    return [
        stat("Throttled share", describe(
            "Is this model refused right now?", "Refused calls of all attempts in the last five minutes.",
            "Read the cause beside it, then \"Headroom\" for where the calls could go."),
            throttled_share(), size=(4, 4), unit="percentunit", decimals=1, no_value="no calls in 5 minutes",
            given=steps(GREEN, (0.000001, ORANGE), (values.throttle_ratio, RED))),
        stat("Cause", describe(
            "By which limit?",
            "Named from five throttled minutes within the last 15 on; unknown before that.",
            "reservation: lower max_tokens. requests or tokens per minute: slow down, spread, raise. tokens per day: "
            "wait for the reset or move to another scope. quota is 0: ask for one. capacity: no quota helps."),
            f"{cause} or on () {none}", size=(5, 4), unit="none", no_value="no calls in 30 minutes", name_only=True,
            legend="{{cause}}", given=steps(GREEN, (1, RED))),
        stat("Highest utilization", describe(
            "How close is its fullest quota?", "The busiest minute of the last 15 against the limit, settled use.",
            "See which quota in \"Throttles over utilization\" and the region's row."),
            f"max({peak})", size=(3, 4), unit="percentunit", decimals=0, no_value="no usage known",
            given=steps(GREEN, (values.near_limit, ORANGE), (1, RED))),
        stat("Observed ceiling", describe(
            "How full was it when calls were refused?",
            "The largest measured utilization among the throttled minutes of the last 15.",
            "Well below 100 %: reservation. Lower max_tokens to what answers really need."),
            f"max({one('bedrock_quota_throttled_utilization_ratio')})", size=(3, 4), unit="percentunit", decimals=0,
            no_value="no throttled minute", given=steps(ORANGE, (values.reservation_ceiling, RED))),
        stat("Day quota runs out in", describe(
            "When do the day's tokens run out?",
            "At today's pace, if before the reset; for models with a tokens-per-day quota of their own.",
            "Slow down what can wait, or move it to another scope: see \"Headroom\"."),
            runs_out(), size=(3, 4), unit="s", decimals=1, no_value=RUNS_OUT,
            given=steps(RED, (3600, ORANGE))),
        stat("Limits lowered", describe(
            f"Did a limit of this model change in the last {values.lowered_hours} hours?",
            "Quotas whose applied limit is below its own maximum of that time.",
            "See \"Applied limits\" in the region's row for when; ask AWS support why."),
            limits_lowered(values.lowered_hours), size=(3, 4), unit="none", no_value="no limits known",
            given=steps(GREEN, (1, RED))),
        stat("Data age", describe(
            "How old is the picture?",
            "Time since the end of the last minute read for every id, of the oldest account and region selected.",
            "Bedrock / Exporter says which collector fails and why."),
            data_age(), size=(3, 4), unit="s", decimals=0, no_value="usage never read",
            given=steps(GREEN, (values.stale_seconds, RED))),
    ]


def states():
    troubles = {state: STATES[state] for state in ("unknown", "not_listed", "zero", "error")}
    texts = {0: ("not throttled", GREEN)}
    texts |= dict(enumerate(CAUSES.values(), 1))
    texts |= dict(enumerate(troubles.values(), 11))
    where = ("account_id", "region", "scope")
    cause = coded("bedrock_throttle_cause", "cause", CAUSES, where, 1)
    calm = f"0 * {one('bedrock_attempts', where, window='30m')}"
    quota = where + ("variant", "quota")
    return timeline("States", describe(
        "When was it throttled and by what, and when did a quota change its state?",
        "One line per account, region and scope for throttling, one per quota for the time in which it was not in "
        "order. A gap is time without data, or with nothing to say.",
        "Compare the start with deployments and with \"Applied limits\"; a cause that alternates between tokens and "
        "reservation points at max_tokens."),
        [Query(f"{cause} or {calm}", "{{account_id}} {{region}} {{scope}}"),
         Query(coded("bedrock_quota_state", "state", troubles, quota, 11),
               "{{account_id}} {{region}} {{scope}} {{variant}} {{quota}}")],
        size=(12, 11), texts=texts, no_value="no calls and no quotas known")


def headroom(values):
    elsewhere = {"ignore": ("account_id", "region", "scope"), "quota": TOKENS + "|requests_per_minute"}
    limit = one("bedrock_quota_limit", **elsewhere)
    peak = one("bedrock_quota_usage_peak", **elsewhere)
    return table("Headroom, here and elsewhere", describe(
        "Where could these calls go?",
        "The same model in every scope, region and account, whatever is selected above. Free is the limit less the "
        "busiest minute of the last 15; blank where usage is not known.",
        "Cross-region and global profiles have their own quotas: often the fastest way out."), [
            Column("Quota", "quota", width=160), Column("Scope", "scope", width=105),
            Column("Region", "region", width=125),
            Column("Free", expr=f"{limit} - {peak}", width=90, unit="short"),
            Column("Peak ratio", expr=one("bedrock_quota_utilization_peak_ratio", **elsewhere), width=120,
                   unit="percentunit", decimals=0, bar=True,
                   steps=steps(GREEN, (values.near_limit, ORANGE), (1, RED))),
            Column("Limit", expr=with_account_name(limit, QUOTA, ignore=("account_id",)), width=90, unit="short"),
            Column("Variant", "variant", width=110), Column("Endpoint", "endpoint", width=90),
            Column("Account", "account_id", width=125), Column("Account name", "account_name", width=140),
        ], size=(14, 10), no_value="no quotas known", base="Limit", sort=("Free", True))


def who_spends(size, where=""):
    key = ("account_id", "region", "endpoint", "model_id")
    charge = f"sum {by(key)} ({per_minute('bedrock_quota_tokens_total', quota=TOKENS)})"
    info = one("bedrock_model_id_info", type="application_profile")
    # While two replicas disagree on an id's team, its charge is split between the two, not counted twice.
    split = f"{info} / on ({', '.join(key)}) group_left () count {by(key)} ({info})"
    attributed = f"sum by (team, name) ({split} * on ({', '.join(key)}) group_left () {charge})"
    return graph("Who spends it" + where, describe(
        "Which team or application spends the tokens per minute?",
        "What each application inference profile was charged, stacked, by the team tag the config names and the "
        "profile's name; the rest is calls without such a profile.",
        "Talk to the largest first. A large rest: give the applications inference profiles of their own."),
        [Query(attributed, "{{team}} {{name}}", step="2m"),
         Query(f"sum({charge}) - (sum({attributed}) or 0 * sum({charge}))", "without an application profile",
               step="2m")],
        size=size, unit="short", no_value="no tokens charged", stacked=True, calcs=("mean", "max"), sort="Mean")


def region_row(values):
    def rate(metric, labels):
        return f"sum {by(labels)} ({per_minute(metric, ID)})"

    line = ("account_id", "scope")
    legend = "{{account_id}} {{scope}}"
    yield graph("Tokens per minute", describe(
        "How much of the token limit is used, minute by minute?",
        "The busiest minute of each step; dashed red the applied limit, dotted AWS's default.",
        "At the limit: see \"Who spends it\". Limit below default: ask for the default."),
        used_against_limit(TOKENS), size=(12, 9), unit="short", no_value="no token quota known",
        overrides=LIMIT_LINES)
    yield graph("Requests per minute", describe(
        "How much of the request limit is used, minute by minute?",
        "As beside, for requests; \"calls\" is the average rate and is there without a quota too: many newer models "
        "have none for requests.",
        "At the limit: batch small calls or spread them over scopes."),
        used_against_limit("requests_per_minute")
        + [Query(rate("bedrock_invocations_total", line), f"{legend} calls")],
        size=(12, 9), unit="short", no_value="no calls and no request quota known", overrides=LIMIT_LINES)
    yield throttles_over_utilization(values, ("account_id", "scope"), ("quota",), (12, 9), " in $region")
    yield who_spends((12, 9), " in $region")
    yield graph("Tokens by kind", describe(
        "What are the tokens: prompts, answers or cache?",
        "Tokens per minute as CloudWatch counts them. Cache reads do not count toward the quota, cache writes do, and "
        "each output token counts as many as the model's burndown rate.",
        "Much output: shorter answers save most of the quota. Few cache reads with long prompts: use prompt caching."),
        [Query(rate(f"bedrock_{kind}_tokens_total", line), f"{legend} {kind.replace('_', ' ')}")
         for kind in ("input", "output", "cache_read", "cache_write")],
        size=(12, 9), unit="short", no_value="no tokens counted", stacked=True, calcs=("mean", "max"), sort="Mean")
    yield graph("Errors", describe(
        "Do calls fail for other reasons?",
        "Client errors (4xx without throttles), server errors (5xx) and throttles per minute.",
        "Server errors with few throttles are capacity: no quota helps. Client errors: the caller's request is wrong."),
        [Query(rate(f"bedrock_invocation_{kind}_total", line), f"{legend} {kind.replace('_', ' ')}")
         for kind in ("client_errors", "server_errors", "throttles")],
        size=(12, 9), unit="cpm", no_value="no calls known")
    for title, metric, question in (
            ("Latency", "bedrock_invocation_latency_seconds", "How long does a call take?"),
            ("Time to first token", "bedrock_time_to_first_token_seconds", "How long until an answer begins?")):
        yield graph(title, describe(
            question, "p50, p90 and p99 of the newest settled minute, of the slowest id; gaps are minutes without "
                      "calls. Time to first token is there for streaming calls only.",
            "Rising with throttles: retries queue up. Rising alone: compare with \"Tokens by kind\", then with another "
            "scope."),
            [Query(aggregate("max", line + ("statistic",), series(metric, statistic="~p50|p90|p99")),
                   f"{legend} {{{{statistic}}}}")],
            size=(12, 9), unit="s", no_value="no latency published")
    yield graph("Applied limits", describe(
        "Did a limit change, and when?",
        "The applied limit of each quota as it was read; a step up the axis is ten times as much.",
        "A step down that nobody asked for: open a case with AWS support and name the time."),
        [Query(one("bedrock_quota_limit", LINE), f"{LEGEND} {{{{quota}}}}")],
        size=(24, 8), unit="short", no_value="no limits known", stepped=True, orders=True,
        calcs=("min", "max", "lastNotNull"))


def build(values):
    made = frame.new(
        values.uids["model"], "Bedrock / Model",
        "One model: is it throttled, by which limit, who spends it, and where is room.",
        since="now-6h", refresh="1m", given_variables=frame.variables(one_model=True))
    for panel in headline(values):
        made.with_panel(panel)
    made.with_panel(throttles_over_utilization(values, ("account_id", "region", "scope"), (), (12, 11)))
    made.with_panel(states())
    made.with_panel(headroom(values))
    made.with_panel(who_spends((10, 10)))
    frame.add_row(made, "$region", region_row(values), collapsed=True, repeat="region")
    return made
