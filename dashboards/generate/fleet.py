"""Bedrock / Fleet: every account and region on one page, the worst first."""

import frame
import tiles
from links import row_to_overview
from panels import CALM, ORANGE, PLAIN, RED, TEXT, describe, percent, steps
from promql import REFUSED, TARGET, by, count, one, with_account_name
from tables import ACCOUNT, REGION, Column, matrix, table

RATIO = "bedrock_quota_utilization_peak_ratio"


def refused_share():
    attempts = one("bedrock_attempts", REFUSED, window="5m")
    refused = f"{one('bedrock_throttle_ratio', REFUSED, window='5m')} * {attempts}"
    return f"sum {by(TARGET)} ({refused}) / (sum {by(TARGET)} ({attempts}) > 0)"


def age():
    return f"time() - {one('bedrock_usage_complete_until_timestamp_seconds')}"


def headline(values):
    size = (6, 3)
    ratio, share = one(RATIO, TARGET), refused_share()
    yield tiles.how_many("Throttled", describe(
        f"In how many accounts and regions are more than {percent(values.throttle_ratio)} of the calls refused?",
        "Accounts × regions, over the last five minutes.",
        "The list below begins with the worst; its link opens the overview for that account and region."),
        count(f"{share} > {values.throttle_ratio}", share), size=size, no_value="no calls known", color=RED)
    yield tiles.how_many("Near a limit", describe(
        f"In how many did a quota reach {percent(values.near_limit)} of its limit?",
        "Accounts × regions whose fullest quota had such a minute in the last 15.",
        "Sort the list by \"Fullest\"."),
        count(f"{ratio} >= {values.near_limit}", one("bedrock_quota_usage", TARGET)), size=size, no_value="no usage known",
        color=ORANGE)
    down = f"min {by(TARGET)} ({one('bedrock_exporter_target_up')})"
    yield tiles.how_many("Not read completely", describe(
        "How many accounts and regions are not read completely?",
        "Accounts × regions with a collector whose last attempt did not bring all it asked for.",
        "Bedrock / Exporter lists the collectors with their errors."),
        count(f"{down} == 0", down), size=size, no_value="exporter not seen", color=RED, missing=RED)
    yield tiles.data_age(values, size, "The list below says of which account and region: sort it by \"Age\".",
                         title="Oldest data")


def by_account_and_region(values):
    return matrix("Fullest quota by account and region", describe(
        "Where are we close to a limit?",
        "The busiest minute of the last 15 of the fullest quota of each account and region, against its limit; – where "
        "nothing is called or usage is not known.",
        "A column of colour is a region, a row is an account. The list below has the same with refusals and age."),
        with_account_name(one(RATIO, TARGET)), rows="account_name", columns="region", size=(24, 8),
        no_value="no usage known", row_title="Account name", row_width=200,
        given=steps(PLAIN, (values.near_limit, "semi-dark-orange"), (1, "semi-dark-red")))


def list_of_targets(values):
    down = f"sum {by(TARGET)} ({one('bedrock_exporter_target_up')} == bool 0)"
    spent = f"count {by(TARGET)} ({tiles.spent_days()})"
    return table("Accounts and regions", describe(
        "Which account and region is worst off?",
        "One row each: refused share of the last five minutes, fullest quota of the last 15, spent tokens per day, age "
        "of the data and failing collectors.",
        "Click the account: the overview opens for it. Old data or failing collectors: see Bedrock / Exporter first."), [
            Column("Account name", "account_name", width=230, link=row_to_overview(values)),
            Column("Region", "region", width=REGION + 20), Column("Account", "account_id", width=ACCOUNT + 12),
            Column("Refused", expr=refused_share(), width=110, unit="percentunit", decimals=0,
                   steps=tiles.share_steps(values, TEXT)),
            Column("Fullest", expr=one(RATIO, TARGET), least=120, unit="percentunit", decimals=0, bar=True,
                   steps=tiles.near_limit_steps(values, CALM)),
            Column("Days spent", expr=spent, width=105, unit="none", steps=steps(TEXT, (1, RED))),
            Column("Age", expr=age(), width=100, unit="s", decimals=0, steps=steps(TEXT, (values.stale_seconds, RED))),
            Column("Failing", expr=with_account_name(down), width=90, unit="none", steps=steps(TEXT, (1, RED))),
        ], size=(24, 16), no_value="exporter not seen", base="Failing",
        sort=[("Refused", True), ("Fullest", True)])


def build(values):
    made = frame.new(
        values, "fleet", "Bedrock / Fleet",
        "Accounts × regions: where calls are refused, where a limit is near, and how old the data are.",
        since="now-6h", refresh="1m", given_variables=frame.variables())
    for panel in (*headline(values), by_account_and_region(values), list_of_targets(values)):
        made.with_panel(panel)
    return made
