"""Single numbers that several dashboards show."""

from panels import ORANGE, PLAIN, RED, describe, percent, stat, steps
from promql import REFUSED, busiest, count, fullest as most_spent, one

HOUR = 3600
DAY_QUOTA = {"quota": "tokens_per_day"}


def how_many(title, description, counted, *, size, no_value, color, missing=PLAIN):
    """How many of something there should be none of: plain at 0, else in that colour."""
    return stat(title, description, counted, size=size, unit="none", no_value=no_value, missing=missing,
                given=steps(PLAIN, (1, color)))


def throttled_share(window="5m"):
    """Refused calls of all attempts, over everything selected."""
    attempts = one("bedrock_attempts", REFUSED, window=window)
    refused = f"{one('bedrock_throttle_ratio', REFUSED, window=window)} * {attempts}"
    return f"sum({refused}) / (sum({attempts}) > 0)"


def share_steps(values, calm):
    """A refused call is worth a colour; from the alert's threshold on it is red."""
    return steps(calm, (0.000001, ORANGE), (values.throttle_ratio, RED))


def near_limit_steps(values, calm):
    return steps(calm, (values.near_limit, ORANGE), (1, RED))


def throttled(values, size, question, action):
    return stat("Throttled share", describe(
        question, "Refused calls of all attempts in the last five minutes, over everything selected.", action),
        throttled_share(), size=size, unit="percentunit", decimals=1, no_value="no calls known",
        given=share_steps(values, PLAIN))


def fullest(values, size, question, action):
    return stat("Highest utilization", describe(
        question,
        "The busiest minute of the last 15 against its limit, of the fullest quota selected. Settled use, without what "
        "Bedrock reserves for max_tokens: refusals can come far below 100 %.", action),
        f"max({most_spent(())})", size=size, unit="percentunit", decimals=0,
        no_value="no usage known", given=near_limit_steps(values, PLAIN))


def data_age(values, size, action, title="Data age"):
    return stat(title, describe(
        "How old is the picture?",
        "Time since the end of the last minute that was read for every id, of the oldest account and region. Up to "
        f"{values.healthy_minutes} minutes are healthy, and up to {values.healthy_idle_minutes} where ids are idle: "
        f"those are read less often. The alert fires at {values.stale_seconds // 60}.", action),
        f"time() - min({one('bedrock_usage_complete_until_timestamp_seconds')})", size=size, unit="s", decimals=0,
        no_value="usage not known", missing=RED,
        given=steps(PLAIN, (values.stale_seconds, RED)))


def spent_days():
    """Day quotas with nothing left."""
    return f"{one('bedrock_quota_utilization_ratio', **DAY_QUOTA)} >= 1"


def seconds_left():
    """Per day quota that runs out today: seconds until then, 0 once it is spent."""
    return f"clamp_min({one('bedrock_quota_exhaustion_timestamp_seconds')} - time(), 0)"


SPENT = {0: ("spent", RED)}
LEFT_STEPS = (RED, (HOUR, ORANGE))


def runs_out(size, question, action):
    """The next day quota to run out; where none will, whether one has."""
    exhausted = one("bedrock_quota_exhaustion_timestamp_seconds")
    return stat("Day quota runs out in", describe(
        question,
        "At today's pace, if before the reset at midnight UTC: the next tokens-per-day quota that is not spent yet, or "
        "\"spent\" if only such are left.", action),
        f"min({exhausted} > time()) - time() or 0 * count({spent_days()})", size=size, unit="s", decimals=1,
        no_value="none known today", given=steps(*LEFT_STEPS), mappings=SPENT)


def limits_lowered(hours):
    limit = one("bedrock_quota_limit")
    return count(f"{limit} < {busiest('bedrock_quota_limit', window=f'{hours}h')}", limit)


def at_risk(values, size):
    peak = one("bedrock_quota_utilization_peak_ratio")
    return how_many("Quotas at risk", describe(
        f"How many quotas had a minute at or above {percent(values.near_limit)} of their limit in the last 15?",
        "A batch that runs at 95 % is healthy: this is for planning, not for waking up.",
        "Go through \"Utilization ranking\" and see on the model's page whether it is a peak or a trend."),
        count(f"{peak} >= {values.near_limit}", one("bedrock_quota_usage")), size=size, no_value="no usage known", color=ORANGE)
