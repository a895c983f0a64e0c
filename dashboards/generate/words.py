"""How the exporter's label values are shown: the same words in every panel."""

from panels import ORANGE, RED, TEXT
from promql import PUBLISHED

# bedrock_throttle_cause{cause}
CAUSES = {
    "requests_per_minute": ("requests per minute", RED),
    "tokens_per_minute": ("tokens per minute", RED),
    "tokens_per_day": ("tokens per day", RED),
    "reservation": ("reservation (max_tokens)", RED),
    "zero_quota": ("quota is 0", RED),
    "capacity": ("capacity (not a quota)", RED),
    "unknown": ("unknown", ORANGE),
}

# bedrock_quota_state{state}
STATES = {
    "ok": ("ok", TEXT),
    "unmeasurable": ("usage cannot be measured", TEXT),
    "unknown": ("no value listed", ORANGE),
    "not_listed": ("default only", TEXT),
    "no_such_quota": ("no such quota", TEXT),
    "zero": ("quota is 0", RED),
    "error": ("AWS reports an error", RED),
}

# …{quota}
QUOTAS = {quota: (quota.replace("_", " "), TEXT) for quota in PUBLISHED.words["quota"]}

# bedrock_unmapped_model{reason}
REASONS = {reason: (reason.replace("_", " "), TEXT) for reason in PUBLISHED.words["reason"]}
