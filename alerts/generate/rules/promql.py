"""Pieces of PromQL that several rules share.

Whatever crosses metrics or times, or is added up, first takes `max by` its identifying labels: a restart
(a new `instance`) then breaks no join, and two replicas count once.
"""

TARGET = "account_id, region"
COLLECTOR = "account_id, region, collector"
MODEL = "account_id, region, model, scope"
# The same, or one id that stands alone: its model or scope is unknown, or it has a capacity of its own. An empty label
# is none.
POOL = MODEL + ", model_id"
# A matcher for the pools whose ids share the limits of their model and scope.
SHARED_POOL = 'model_id=""'
INVOCATION_ID = "account_id, region, endpoint, model_id, model, scope"
QUOTA = "account_id, region, model, endpoint, scope, variant, quota, quota_code"
QUOTA_CODE = "account_id, region, quota_code"
PROVISIONED = "account_id, region, provisioned_model_id, name, model"

# Cross-Model Max Tokens Per Day: the account's own, no model's.
CROSS_MODEL_DAY = 'quota_code="L-E3F10727"'

# Quotas that refill within the minute; tokens per day, jobs and units have alerts of their own or none.
MINUTE_QUOTAS = 'quota=~".+_per_minute|concurrent_requests"'


# Rows that every call of a model and scope must have room in.
STANDARD_ROWS = 'endpoint="runtime",variant="standard",quota=~"requests_per_minute|tokens_per_minute|tokens_per_day"'


def top(by, vector):
    """One value per set of identifying labels, whichever instance says it."""
    return f"max by ({by}) ({vector})"


def zero_quota():
    """Models and scopes with a limit of 0."""
    return top(MODEL, top(QUOTA, f"bedrock_quota_limit{{{STANDARD_ROWS}}}") + " == 0")


def indent(text, spaces):
    return "\n".join(" " * spaces + line for line in text.splitlines())
