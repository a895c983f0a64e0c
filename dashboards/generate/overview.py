"""Bedrock / Quota overview: the fleet, for the first minute of an incident."""

import frame
import tiles
from links import row_to_model
from panels import CALM, ORANGE, PLAIN, Query, RED, TEXT, describe, graph, steps
from promql import (QUOTA, REFUSED, SHARED_POOL, TARGET, THROTTLE, USED, aggregate, annotate, busiest, by, count, on_labels,
                    one, over_hour, refused_per_minute, series, with_account_name)
from tables import QUOTA_NAME, SCOPE, VARIANT, Column, model_and_place, table, where
from words import CAUSES, QUOTAS, REASONS, STATES

HALF = 0.5    # below it a line is not worth its colour
SPENDER = THROTTLE + ("endpoint", "model_id")


def place(values):
    """The columns that every row begins with."""
    return [*model_and_place(row_to_model(values)), Column("Scope", "scope", width=SCOPE)]


def headline(values):
    size = (6, 3)
    yield tiles.throttled(values, size, "Are calls being refused right now?",
                          "The table \"Throttled now\" says where and by which limit; open the model from there.")
    yield tiles.fullest(values, size, "How close is the fullest quota to its limit?",
                        "See which one in \"Utilization ranking\". At 100 %: spread the load, move to a scope with room, "
                        "or ask for an increase.")
    yield tiles.runs_out(size, "When does the next tokens-per-day quota run out?",
                         "\"Utilization ranking\" says which. Slow down what can wait, or move it to another scope; "
                         "spent day quotas come back only with the reset.")
    yield tiles.data_age(values, size, "Do not trust the other panels for the stale account and region. Bedrock / "
                                       "Exporter says which collector fails and why.")


def counts(values):
    size = (4, 3)
    state = one("bedrock_quota_state", THROTTLE)
    collectors = one("bedrock_exporter_target_up")
    day = f"({one('bedrock_quota_usage', **tiles.DAY_QUOTA)} and {one('bedrock_quota_limit', **tiles.DAY_QUOTA)})"
    yield tiles.how_many("Collectors failing", describe(
        "Is the picture complete?",
        "Collectors of an account and region whose last attempt did not bring all it asked for.",
        "Bedrock / Exporter lists them with their age and the kind of error."),
        count(f"{collectors} == 0", collectors), size=size, no_value="exporter not seen", color=RED, missing=RED)
    yield tiles.how_many("Day quotas spent", describe(
        "Whose tokens per day are gone?",
        "Tokens-per-day quotas of which today's use has reached the limit: every call that needs them is refused.",
        "Move the calls to another scope or region until midnight UTC: see \"Where is room\" on the model's page."),
        count(tiles.spent_days(), day), size=size, no_value="no day quota known", color=RED)
    yield tiles.at_risk(values, size)
    yield tiles.how_many("Limits lowered", describe(
        f"Did a limit change under us in the last {values.lowered_hours} hours?",
        "Quotas whose applied limit is below its own maximum of that time.",
        "A violet mark on the graphs says when, \"Applied limits\" on the model's page how far; ask AWS support why."),
        tiles.limits_lowered(values.lowered_hours), size=size, no_value="no limits known", color=RED)
    yield tiles.how_many("Quota 0 called", describe(
        "Is somebody calling a model whose quota is 0?",
        f"Models and scopes with an applied quota of 0 and at least {values.zero_quota_attempts} attempts in "
        "30 minutes. Every such call is refused.",
        "Point the caller to a scope or region with a quota, or ask for one."),
        count(f"{one('bedrock_quota_state', THROTTLE, state='zero', variant='standard')} and "
              f"{one('bedrock_attempts', THROTTLE, window='30m', **SHARED_POOL)} >= {values.zero_quota_attempts}", state),
        size=size, no_value="no quotas known", color=ORANGE)
    minutes = values.unmapped_minutes
    now, earlier = one("bedrock_unmapped_model"), one("bedrock_unmapped_model", offset=f"{minutes}m")
    yield tiles.how_many("Unmapped traffic", describe(
        "Is there traffic that no quota could be found for?",
        f"Invocation ids without a quota, for at least {minutes} minutes; kept for a day after their last call.",
        "\"Traffic without a known quota\", at the bottom, names them; one line under `overrides` in the config maps each."),
        f"count({now} and {earlier}) or 0 * max({collectors})", size=size,
        no_value="exporter not seen", color=ORANGE)


def largest_spender():
    """Per model and scope the id that was charged most in the last hour, as the label `spender`."""
    spent = f"sum {by(SPENDER)} ({over_hour('bedrock_quota_tokens_total')})"
    key = ("account_id", "region", "endpoint", "model_id")
    named = annotate(spent, SPENDER, key, ("name",), "bedrock_model_id_info")
    spelled = f'label_replace({named}, "spender", "$1", "model_id", "(.+)")'
    spelled = f'label_replace({spelled}, "spender", "$1", "name", "(.+)")'
    return f"topk {by(THROTTLE)} (1, max {by(THROTTLE + ('spender',))} ({spelled}) > 0)"


def throttled_now(values):
    cause = one("bedrock_throttle_cause")
    id_of = TARGET + ("model_id",)
    alone = f"{one('bedrock_throttle_cause', REFUSED)} and {on_labels(id_of)} {one('bedrock_model_id_info', id_of)}"
    alone = f'label_replace({alone}, "spender", "$1", "model_id", "(.+)")'

    shared = one("bedrock_throttle_cause", **SHARED_POOL)
    of_model = {"variant": "~standard|1m_context|latency_optimized"}

    def of_throttled(expr, labels=THROTTLE):
        return f"{expr} and {on_labels(labels)} {shared if labels == THROTTLE else cause}"

    return table("Throttled now", describe(
        "Who is refused, and by which limit?",
        "Models and scopes refused within the last 15 minutes. The cause is named from five throttled minutes on. "
        "Refused is the share of the last five minutes; – where nothing was tried. Ceiling is the largest measured "
        "utilization among the throttled minutes: far below 100 % means that Bedrock reserved input + max_tokens at "
        "admission. Spends most: the application profile or id that was charged most tokens in the last hour; an id whose "
        "model or scope is unknown, a custom deployment and a provisioned throughput have rows of their own and stand "
        "there themselves.",
        "Reservation: lower max_tokens. Requests or tokens per minute: slow down, spread or raise. Capacity: no quota "
        "helps; use another scope or region. The model's page shows where there is room."), [
            *place(values),
            Column("Cause", "cause", expr=with_account_name(cause), width=182, mappings=CAUSES),
            Column("Refused", expr=of_throttled(one("bedrock_throttle_ratio", REFUSED, window="5m"), REFUSED),
                   width=92, unit="percentunit", decimals=0, steps=tiles.share_steps(values, TEXT)),
            Column("Ceiling", expr=of_throttled(one("bedrock_quota_throttled_utilization_ratio", THROTTLE, **of_model)),
                   width=70, unit="percentunit", decimals=0),
            Column("Spends most", "spender", least=90, expr=f"{of_throttled(largest_spender())} or {alone}"),
        ], size=(24, 9), no_value="nothing throttled in 15 minutes, or no data: see Data age", base="Cause",
        sort=[("Refused", True)])


def ranking(values):
    peak = f"{one('bedrock_quota_utilization_peak_ratio', **USED)} > 0"
    shown = f"topk(20, {peak}) or {peak} and {one('bedrock_quota_exhaustion_timestamp_seconds')}"
    return table("Utilization ranking", describe(
        "Which quotas are fullest, and which day quotas run out today?",
        "The 20 fullest quotas by the busiest minute of the last 15, and those tokens-per-day quotas that today's pace "
        "spends before midnight UTC.",
        "Open the model: peak or trend, who spends it, where there is room."), [
            *place(values),
            Column("Quota", "quota", width=QUOTA_NAME, mappings=QUOTAS),
            Column("Variant", "variant", width=VARIANT),
            Column("Peak", expr=with_account_name(shown), least=85, unit="percentunit", decimals=0, bar=True,
                   steps=tiles.near_limit_steps(values, CALM)),
            Column("Runs out in", expr=tiles.seconds_left(), width=102, unit="s", decimals=1,
                   mappings=tiles.SPENT, steps=steps(*tiles.LEFT_STEPS)),
        ], size=(24, 10), no_value="nothing used, or no usage known", base="Peak", sort=[("Peak", True)])


def graphs(values):
    kinds = ("model", "scope", "quota")
    peak = series("bedrock_quota_utilization_peak_ratio", **USED)
    highest = aggregate("max", kinds, f"max_over_time({peak}[$__range] @ end())")
    yield graph("Utilization over time", describe(
        "Peak or trend?",
        "The fullest quota of each model, scope and kind that passed half of its limit in the time shown: the busiest "
        "minute of the 15 before each point. Dashed: the alert's threshold and the limit.",
        "A plateau at the limit costs calls; a single peak does not. Quotas that rise every day belong to Bedrock / "
        "Capacity."),
        [Query(f"{aggregate('max', kinds, peak)} and {highest} >= {HALF}", "{{model}} {{scope}} {{quota}}")],
        size=(12, 10), unit="percentunit", no_value="no quota passed half of its limit, or no usage known",
        given=tiles.near_limit_steps(values, PLAIN), top=1)
    yield graph("Refused calls per minute", describe(
        "Since when, and which models?",
        "Refused calls per minute, over the five minutes before each point. Clients that retry inflate it.",
        "Read the cause in \"Throttled now\"; a storm from one client shows as one model and scope."),
        [Query(f"{refused_per_minute(('model', 'scope'))} > 0", "{{model}} {{scope}}")],
        size=(12, 10), unit="short", no_value="nothing refused, or no calls known", bars=True, stacked=True,
        calcs=("max", "mean"))


def inventory(values):
    nothing = f"0 * {one('bedrock_quota_state', QUOTA)}"
    # 0 stands for no open request and is shown as –: with a row for every quota the rows merge quickly.
    requested = aggregate("max", ("account_id", "region", "quota_code"),
                          series("bedrock_service_quota_increase_requested"))
    # A quota that no id spends has no ratio: nothing of a limit.
    unspent = f"{one('bedrock_quota_usage')} / ({one('bedrock_quota_limit')} > 0)"
    return table("Quota inventory", describe(
        "What are our limits, how full are they, and is more on its way?",
        "Every model quota selected: applied and default limit (– where the default is applied, or not known), the newest settled minute, the busiest minute of the "
        "time shown and its share of the limit, state, and the value asked for in an open increase request. Filter by "
        "the column heads.",
        "Red states: `quota is 0` refuses every call; `AWS reports an error` means that the limit is not known. A model "
        "without requests-per-minute quota is not an error."), [
            *place(values),
            Column("Quota", "quota", width=QUOTA_NAME, mappings=QUOTAS), Column("Variant", "variant", width=VARIANT),
            Column("Ratio", expr=f"{busiest('bedrock_quota_utilization_peak_ratio')} or {unspent}", width=120, unit="percentunit",
                   decimals=0, bar=True, steps=tiles.near_limit_steps(values, CALM)),
            Column("Applied", expr=one("bedrock_quota_limit"), width=85, unit="short"),
            Column("Default", expr=one("bedrock_quota_default"), width=85, unit="short"),
            Column("Used", expr=one("bedrock_quota_usage"), width=80, unit="short"),
            Column("Peak", expr=f"{busiest('bedrock_quota_usage_peak')} or {busiest('bedrock_quota_usage')}", width=80, unit="short"),
            Column("State", "state", expr=with_account_name(one("bedrock_quota_state")), width=185, mappings=STATES),
            Column("Requested", expr=f"{nothing} + on (account_id, region, quota_code) group_left () {requested} "
                                     f"or {nothing}", width=100, unit="short", mappings={0: ("–", TEXT)}),
            Column("Endpoint", "endpoint", width=90), Column("Code", "quota_code", width=115),
        ], size=(24, 20), no_value="no quotas known", base="State", sort=[("Ratio", True)])


def unmapped():
    """Which ids they are: the model's page has only what they have in common."""
    identity = TARGET + ("model_id",)
    known = one("bedrock_unmapped_model", identity)

    def of_unmapped(expr):
        return f"sum {by(identity)} ({expr}) and {known}"

    return table("Traffic without a known quota", describe(
        "Which invocation ids are they, and why is no quota known?",
        "Ids called within 24 hours that spend a quota which could not be found: the reason, and calls and refusals of "
        "the last hour.",
        "`bedrock-quota-exporter explain ID` says more; one line under `overrides` in the config maps it."), [
            Column("Invocation id", "model_id", least=320), *where(),
            Column("Reason", "reason", expr=with_account_name(one("bedrock_unmapped_model")), width=150,
                   mappings=REASONS),
            Column("Calls", expr=of_unmapped(over_hour("bedrock_invocations_total")), width=90, unit="short", decimals=0),
            Column("Refused", expr=of_unmapped(over_hour("bedrock_invocation_throttles_total")), width=95, unit="short",
                   decimals=0, steps=steps(TEXT, (1, ORANGE))),
        ], size=(24, 7), no_value="none, or exporter not seen", base="Reason", sort=[("Refused", True), ("Calls", True)])


def build(values):
    made = frame.new(
        values, "overview", "Bedrock / Quota overview",
        "Are we throttled, where and by which limit; how close is everything else; is the picture fresh.",
        since="now-6h", refresh="1m", given_variables=frame.variables(used=True))
    for panel in (*headline(values), throttled_now(values), *counts(values), ranking(values), *graphs(values)):
        made.with_panel(panel)
    frame.add_row(made, "Traffic without a known quota", [unmapped()], collapsed=True)
    frame.add_row(made, "Quota inventory: every quota", [inventory(values)], collapsed=True)
    return made
