"""Bedrock / Model: one model, everything that decides whether its calls get through."""

import frame
import tiles
from panels import CALM, COUNTED, DETAILED, ORANGE, PLAIN, Query, RED, TEXT, describe, graph, stat, steps, timeline
from panels import dashed, on_right_axis, points
from promql import (ID, SHARED_POOL, THROTTLE, aggregate, annotate, by, fullest, named_throughout, on_labels, one, over_hour,
                    per_minute, refused_per_minute, series, with_account_name)
from tables import SCOPE, VARIANT, Column, table, where
from words import CAUSES, STATES

# Lines within one model's row: what is left to tell them apart.
LINE = ("account_id", "scope", "variant", "quota")
LEGEND = "{{account_name}} {{scope}} {{variant}}"
TOKENS = "~tokens_per_minute|input_tokens_per_minute|output_tokens_per_minute"
# What a call charges.
CHARGE = ("account_id", "region", "endpoint", "scope", "model_id")
IDENTITY = ("account_id", "region", "endpoint", "model_id")


def coded(metric, label, texts, labels, first):
    """One number per series for which of the label's values holds; `texts` are its values."""
    parts = [f"{code} * {series(metric, **{label: value})}" for code, value in enumerate(texts, first)]
    return f"max {by(labels)} ({' or '.join(parts)})"


def in_use(expr, quota):
    """Only where the quota was used in the time shown: a fleet has the same limit in a hundred idle accounts."""
    used = f"max_over_time({series('bedrock_quota_usage', quota=quota)}[$__range] @ end())"
    return f"{expr} and {aggregate('max', LINE, used)} > 0"


def used_against_limit(quota):
    usage = aggregate("max", LINE, f"max_over_time({series('bedrock_quota_usage', quota=quota)}[$__interval])")
    limit, default = (one(f"bedrock_quota_{each}", LINE, quota=quota) for each in ("limit", "default"))
    return [Query(named_throughout(in_use(usage, quota)), f"{LEGEND} {{{{quota}}}} used"),
            Query(named_throughout(in_use(limit, quota)), f"{LEGEND} {{{{quota}}}} limit"),
            Query(named_throughout(in_use(default, quota)), f"{LEGEND} {{{{quota}}}} default")]


LIMIT_LINES = [dashed("/ limit$/", TEXT), dashed("/ default$/", CALM, dash=(2, 6))]


def throttles_over_utilization(values, pool, per_quota, size, where=""):
    """`pool` labels tell apart what is throttled; utilization is told apart by `per_quota` labels too."""
    labels = pool + per_quota
    told = [label.replace("account_id", "account_name") for label in labels]
    legend, pool_legend = (" ".join(f"{{{{{label}}}}}" for label in each) for each in (told, told[:len(pool)]))
    ratio = aggregate("max", labels, series("bedrock_quota_utilization_peak_ratio"))
    highest = aggregate("max", labels, f"max_over_time({series('bedrock_quota_utilization_peak_ratio')}[$__range] @ end())")
    ceiling = aggregate("max", labels, series("bedrock_quota_throttled_utilization_ratio"))
    return graph("Throttles over utilization" + where, describe(
        "Are calls refused at the limit, or far below it?",
        "Lines: the fullest quota's busiest minute of the last 15. Dots: the observed ceiling, the largest measured "
        "utilization among the throttled minutes. Bars: refused calls per minute, right axis.",
        "Bars with dots near 100 %: the limit is reached; spread or raise. Bars with dots far below: Bedrock reserves "
        "input + max_tokens at admission; lower max_tokens. Bars without dots: every call is refused, or usage is not "
        "known."),
        [Query(named_throughout(f"{ratio} and {highest} > 0"), f"{legend} utilization"),
         Query(named_throughout(ceiling), f"{legend} ceiling"),
         Query(named_throughout(f"{refused_per_minute(pool)} > 0"), f"{pool_legend} refused")],
        size=size, unit="percentunit", no_value="no usage known", top=1, given=tiles.near_limit_steps(values, PLAIN),
        overrides=[points("/ ceiling$/"), on_right_axis("/ refused$/", "short", bars=True)])


def headline(values):
    size = (4, 3)
    calm = f"0 * max({one('bedrock_attempts', THROTTLE, window='30m')})"
    texts = dict(enumerate(CAUSES.values(), 1))
    yield tiles.throttled(values, size, "Is this model refused right now?",
                          "Read the cause beside it, then \"Where is room\" for where the calls could go.")
    yield stat("Cause", describe(
        "By which limit?",
        "Named from five throttled minutes within the last 15 on; unknown before that.",
        "reservation: lower max_tokens. requests or tokens per minute: slow down, spread, raise. tokens per day: "
        "wait for the reset or move to another scope. quota is 0: ask for one. capacity: no quota helps."),
        f"{coded('bedrock_throttle_cause', 'cause', CAUSES, ('cause',), 1)} or on () {calm}", size=size, unit="none",
        no_value="no calls known", mappings={0: ("not throttled", PLAIN)} | texts, words=True)
    yield tiles.fullest(values, size, "How close is its fullest quota?",
                        "See which quota in \"Throttles over utilization\" and the region's row.")
    yield stat("Observed ceiling", describe(
        "How full was it when calls were refused?",
        "The largest measured utilization among the throttled minutes of the last 15.",
        "Well below 100 %: reservation. Lower max_tokens to what answers really need."),
        f"max({one('bedrock_quota_throttled_utilization_ratio')})", size=size, unit="percentunit", decimals=0,
        no_value="none known", given=steps(ORANGE, (values.reservation_ceiling, RED)))
    yield tiles.runs_out((5, 3), "When do the day's tokens run out?",
                         "Slow down what can wait, or move it to another scope: see \"Where is room\".")
    yield tiles.data_age(values, (3, 3), "Bedrock / Exporter says which collector fails and why.")


def states():
    troubles = {state: STATES[state] for state in ("unknown", "not_listed", "zero", "error")}
    texts = {0: ("not throttled", CALM)}
    texts |= dict(enumerate(CAUSES.values(), 1))
    texts |= {code: (text, CALM if color == TEXT else color)
              for code, (text, color) in enumerate(troubles.values(), 11)}
    where = ("account_id", "region", "scope")
    cause = coded("bedrock_throttle_cause", "cause", CAUSES, where, 1)
    calm = f"0 * {one('bedrock_attempts', where, window='30m')}"
    quota = where + ("variant", "quota")
    return timeline("States", describe(
        "When was it throttled and by what, and when did a quota change its state?",
        "One line per account, region and scope for throttling, one per quota for the time in which it was not in "
        "order. A gap is time without data, or with nothing to say.",
        "Compare the start with deployments and with the violet marks of changed limits; a cause that alternates "
        "between tokens and reservation points at max_tokens."),
        [Query(named_throughout(f"{cause} or {calm}"), "{{account_name}} {{region}} {{scope}}"),
         Query(named_throughout(coded("bedrock_quota_state", "state", troubles, quota, 11)),
               "{{account_name}} {{region}} {{scope}} {{variant}} {{quota}}")],
        size=(24, 8), texts=texts, no_value="no calls and no quotas known")


ROOM = ("account_id", "region", "endpoint", "scope", "variant")


def room(values):
    """One row per place where the calls could go: requests and tokens together, without those whose day is spent."""
    anywhere = {"ignore": ("account_id", "region", "scope")}
    tokens, requests = {"quota": TOKENS, **anywhere}, {"quota": "requests_per_minute", **anywhere}
    pool = ("account_id", "region", "scope")

    # A day's row of the scope regional holds for on_demand and cross_region.
    day = {**tiles.DAY_QUOTA, **anywhere}
    spent = f"{one('bedrock_quota_utilization_ratio', pool, **day)} >= 1"
    regional = f"{one('bedrock_quota_utilization_ratio', pool, scope='regional', **day)} >= 1"
    shared = " or ".join(
        f'label_replace({regional}, "scope", "{scope}", "", "")' for scope in ("on_demand", "cross_region"))
    # Some models have a quota of concurrent requests alone: a place too, with nothing in its other columns.
    calls = {"quota": TOKENS + "|requests_per_minute|concurrent_requests"}
    places = (f"({one('bedrock_quota_limit', ROOM, **calls, **anywhere)} > 0 "
              f"unless {on_labels(pool)} ({spent} or {shared}))")
    selected = one("bedrock_quota_limit", ROOM, **calls)
    refused = one("bedrock_throttle_ratio", pool, window="5m", **SHARED_POOL, **anywhere)

    def free(kind):
        # What no id spends has a use of 0, and no peak.
        limit, peak, usage = (one(f"bedrock_quota_{each}", **kind) for each in ("limit", "usage_peak", "usage"))
        return f"min {by(ROOM)} ({limit} - ({peak} or {usage})) and {places}"

    def taken(kind):
        return f"{fullest(ROOM, **kind)} and {places}"

    calm = tiles.near_limit_steps(values, CALM)
    return table("Where is room", describe(
        "Where could these calls go?",
        "The same model in every scope, region and account, those selected above first; without quotas of 0 and without "
        "scopes whose tokens per day are spent. Free is the limit less the busiest minute of the last 15, per minute; – "
        "where there is no such quota or its usage is not known. Refused: the share of the last five minutes.",
        "Take a row with both tokens and requests free and nothing refused. Cross-region and global profiles have their "
        "own quotas: often the fastest way out."), [
            Column("Selected", expr=with_account_name(f"0 * ({places} and {selected}) + 1 or 0 * {places}"), width=104,
                   mappings={1: ("selected", TEXT), 0: ("elsewhere", TEXT)}),
            *where(), Column("Scope", "scope", width=SCOPE),
            Column("Variant", "variant", width=VARIANT), Column("Endpoint", "endpoint", width=79),
            Column("Tokens free", expr=free(tokens), width=117, unit="short"),
            Column("Tokens used", expr=taken(tokens), width=110, unit="percentunit", decimals=0, bar=True, steps=calm),
            Column("Requests free", expr=free(requests), width=108, unit="short"),
            Column("Requests used", expr=taken(requests), least=114, unit="percentunit", decimals=0, bar=True,
                   steps=calm),
            Column("Refused", expr=f"0 * {places} + {on_labels(pool)} group_left () {refused}", width=72, unit="percentunit", decimals=0,
                   steps=tiles.share_steps(values, TEXT)),
        ], size=(24, 9), no_value="no quotas known", base="Selected",
        sort=[("Selected", True), ("Tokens free", True)])


def charged(per, metric="bedrock_quota_tokens_total"):
    return f"sum {by(CHARGE)} ({per(metric, quota=TOKENS)})"


def spenders():
    spent = charged(over_hour)
    named = annotate(f"{spent} > 0", CHARGE, IDENTITY, ("team", "name", "type"), "bedrock_model_id_info")
    # AWS's name of a system profile says its id again.
    named = f'label_replace({named}, "name", "", "type", "system_profile")'
    return table("Who spends it", describe(
        "Which team or application spends the tokens per minute?",
        "What each invocation id was charged against the tokens-per-minute quotas in the last hour, per minute, and its "
        "share of all selected. Name and team are those of application inference profiles.",
        "Talk to the largest first. A base model or system profile with a large share: give its callers application "
        "inference profiles of their own, to tell them apart."), [
            Column("Team", "team", width=100), Column("Name", "name", width=136),
            Column("Invocation id", "model_id", least=320), *where(),
            Column("Scope", "scope", width=SCOPE),
            Column("Per minute", expr=with_account_name(f"({named}) / 60"), width=118, unit="short"),
            Column("Share", expr=with_account_name(f"({spent} > 0) / on () group_left () (sum({spent}) > 0)"), width=104,
                   unit="percentunit", decimals=0, bar=True, steps=steps(CALM)),
        ], size=(24, 7), no_value="no tokens known to be charged", base="Per minute", sort=[("Per minute", True)])


def spending(size, where=""):
    charge = f"sum {by(IDENTITY)} ({per_minute('bedrock_quota_tokens_total', quota=TOKENS)})"
    info = one("bedrock_model_id_info", type="application_profile")
    # While two replicas disagree on an id's team, its charge is split between the two, not counted twice.
    split = f"{info} / {on_labels(IDENTITY)} group_left () count {by(IDENTITY)} ({info})"
    attributed = f"sum by (team, name) ({split} * {on_labels(IDENTITY)} group_left () {charge})"
    return graph("Tokens charged per minute" + where, describe(
        "Who began to spend more, and when?",
        "What each application inference profile was charged, stacked, by the team tag the config names and the "
        "profile's name; the rest is calls without such a profile. Averages of 20 minutes: calm ids are read less often.",
        "Talk to the largest first. A large rest: give the applications inference profiles of their own."),
        [Query(attributed, "{{team}} {{name}}", step=COUNTED),
         Query(f"sum({charge}) - (sum({attributed}) or 0 * sum({charge}))", "without an application profile",
               step=COUNTED)],
        size=size, unit="short", no_value="no tokens known to be charged", stacked=True, calcs=("mean", "max"), sort="Mean")


def region_row(values):
    line = ("account_id", "scope")
    legend = "{{account_name}} {{scope}}"

    def rate(metric):
        return f"sum {by(line)} ({per_minute(metric, ID)})"

    def counted(metric, words, step=DETAILED):
        return Query(named_throughout(rate(metric)), f"{legend} {words}", step=step)

    yield graph("Tokens per minute", describe(
        "How much of the token limit is used, minute by minute?",
        "The busiest minute of each step, where there was any use; dashed the applied limit, dotted AWS's default.",
        "At the limit: see \"Who spends it\". Limit below default: ask for the default."),
        used_against_limit(TOKENS), size=(12, 9), unit="short", no_value="no token quota used, or none known",
        overrides=LIMIT_LINES)
    yield graph("Requests per minute", describe(
        "How much of the request limit is used, minute by minute?",
        "As beside, for requests; \"calls\" is the average of 20 minutes and is there without a quota too: many newer "
        "models have none for requests.",
        "At the limit: batch small calls or spread them over scopes."),
        used_against_limit("requests_per_minute") + [counted("bedrock_invocations_total", "calls", COUNTED)],
        size=(12, 9), unit="short", no_value="no calls and no request quota known", overrides=LIMIT_LINES)
    yield throttles_over_utilization(values, line, ("quota",), (12, 9), " in $region")
    yield spending((12, 9), " in $region")
    yield graph("Tokens by kind, per minute", describe(
        "What are the tokens: prompts, answers or cache?",
        "Tokens per minute as CloudWatch counts them, averages of 30 minutes. Cache reads do not count toward the quota, "
        "cache writes do, and each output token counts as many as the model's burndown rate.",
        "Much output: shorter answers save most of the quota. Few cache reads with long prompts: use prompt caching."),
        [counted(f"bedrock_{kind}_tokens_total", kind.replace("_", " "))
         for kind in ("input", "output", "cache_read", "cache_write")],
        size=(12, 9), unit="short", no_value="no tokens counted", stacked=True, calcs=("mean", "max"), sort="Mean")
    yield graph("Errors per minute", describe(
        "Do calls fail for other reasons?",
        "Client errors (4xx without throttles), server errors (5xx) and throttles, averages of 30 minutes.",
        "Server errors with few throttles are capacity: no quota helps. Client errors: the caller's request is wrong."),
        [counted(f"bedrock_invocation_{kind}_total", kind.replace("_", " "))
         for kind in ("client_errors", "server_errors", "throttles")],
        size=(12, 9), unit="short", no_value="no calls known")
    yield from durations(line, legend)
    yield speed(line, legend, rate)
    yield by_tier()
    yield by_project()
    yield changed_limits()


def durations(line, legend):
    for title, metric, question in (
            ("Latency", "bedrock_invocation_latency_seconds", "How long does a call take?"),
            ("Time to first token", "bedrock_time_to_first_token_seconds", "How long until an answer begins?")):
        slowest = aggregate("max", line + ("statistic",), series(metric, statistic="~p50|p90|p99"))
        yield graph(title, describe(
            question, "p50, p90 and p99 of the newest minute read, of the slowest id; gaps are minutes without "
                      "calls. Time to first token is there for streaming calls only.",
            "Rising with throttles: retries queue up. Rising alone: compare with \"Output tokens per second\", then with "
            "another scope."),
            [Query(named_throughout(slowest), f"{legend} {{{{statistic}}}}")],
            size=(8, 9), unit="s", no_value="no latency published")


def speed(line, legend, rate):
    output, calls = rate("bedrock_output_tokens_total"), rate("bedrock_invocations_total")
    took = aggregate("max", line, series("bedrock_invocation_latency_seconds", statistic="p50"))
    return graph("Output tokens per second", describe(
        "Is the service slow, or are the answers long?",
        "Output tokens of an average call over the median time of a call: averages of 30 minutes, so an estimate.",
        "Falling while latency rises: the service is slow; try another scope. Steady while latency rises: the answers "
        "have become longer."),
        [Query(named_throughout(f"{output} / ({calls} > 0) / ({took} > 0)"), legend, step=DETAILED)],
        size=(8, 9), unit="short", no_value="no calls, or no latency published")


def by_tier():
    told = "{{service_tier}}, served by {{resolved_service_tier}}"
    calls = f"sum by (service_tier, resolved_service_tier) ({one('bedrock_tier_invocations')})"
    overflow = f"max({one('bedrock_reserved_tier_overflow_ratio')})"
    return graph("Calls by service tier", describe(
        "Which service tiers serve these calls, and does the reserved one overflow?",
        "Calls of the last hour by the tier that was asked for and the one that served them, read once an hour; they are part "
        "of the calls above. Right axis: the share of calls to the reserved tier that another served.",
        "Overflow for hours: more reserved capacity, or accept that the rest is served and charged on demand. None, with "
        "capacity to spare: less may be enough."),
        [Query(calls, told), Query(overflow, "overflow of the reserved tier")],
        size=(12, 8), unit="short", no_value="no service tiers published",
        overrides=[on_right_axis("/^overflow/", "percentunit")])


def by_project():
    tokens = " + ".join(f"sum by (project) ({one(f'bedrock_project_{kind}_tokens')})" for kind in ("input", "output"))
    return graph("Tokens by project", describe(
        "Which project uses these tokens?",
        "Input and output tokens of the last hour, read once an hour; they are part of the tokens above. unattributed is what "
        "the listed projects leave of all calls.",
        "Talk to the largest first. A large rest: give its callers projects of their own, to tell them apart."),
        [Query(tokens, "{{project}}")],
        size=(12, 8), unit="short", no_value="no projects published", stacked=True)


def changed_limits():
    limit = series("bedrock_quota_limit")
    most, least = (aggregate("max", LINE, f"{each}_over_time({limit}[$__range] @ end())") for each in ("max", "min"))
    return graph("Applied limits that changed", describe(
        "Did a limit change, and when?",
        "The applied limit, as it was read, of each quota whose limit changed in the time shown; a step up the axis is "
        "ten times as much.",
        "A step down that nobody asked for: open a case with AWS support and name the time."),
        [Query(named_throughout(f"{one('bedrock_quota_limit', LINE)} and {most} != {least}"),
               f"{LEGEND} {{{{quota}}}}")],
        size=(24, 7), unit="short", no_value="no limit changed, or none known", stepped=True, orders=True,
        calcs=("min", "max", "lastNotNull"))


def build(values):
    made = frame.new(
        values, "model", "Bedrock / Model",
        "One model: is it throttled, by which limit, who spends it, and where is room. Opens on the fullest.",
        since="now-6h", refresh="1m", given_variables=frame.variables(one_model=True))
    graphs = [throttles_over_utilization(values, ("account_id", "region", "scope"), (), (12, 10)),
              spending((12, 10))]
    for panel in (*headline(values), *graphs, spenders(), room(values), states()):
        made.with_panel(panel)
    frame.add_row(made, "$region", region_row(values), collapsed=True, repeat="region")
    return made
