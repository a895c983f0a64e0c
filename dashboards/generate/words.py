"""How the exporter's label values are shown."""

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW

# bedrock_throttle_cause{cause}
CAUSES = {
    "requests_per_minute": ("requests per minute", RED),
    "tokens_per_minute": ("tokens per minute", RED),
    "tokens_per_day": ("tokens per day", RED),
    "reservation": ("reservation (max_tokens)", ORANGE),
    "zero_quota": ("quota is 0", RED),
    "capacity": ("capacity (not a quota)", BLUE),
    "unknown": ("unknown", YELLOW),
}

# bedrock_quota_state{state}
STATES = {
    "ok": ("ok", GREEN),
    "unmeasurable": ("usage cannot be measured", GREY),
    "unknown": ("no value listed", YELLOW),
    "not_listed": ("default only", YELLOW),
    "no_such_quota": ("no such quota", GREY),
    "zero": ("zero", RED),
    "error": ("AWS reports an error", RED),
}
