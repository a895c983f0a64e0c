"""The example Alertmanager config: who is told, what is told together, what is not told twice."""

# The day of custom deployments or of 1M-context calls is not the day of all others.
STANDARD = 'variant="standard"'


def config(values, scale, urls):
    """`urls`: where pages and tickets are posted."""
    waits = {kind: {name: scale(text) for name, text in v.items()} for kind, v in values["alertmanager"].items()}
    return {
        "route": {
            "receiver": "bedrock-tickets",
            "group_by": ["account_id", "region", "model"],
            **waits["ticket"],
            "routes": [{"receiver": "bedrock-pages", "matchers": ['severity="critical"'], **waits["page"]}],
        },
        "inhibit_rules": list(inhibitions()),
        "receivers": [
            {"name": "bedrock-pages", "webhook_configs": [{"url": urls["pages"]}]},
            {"name": "bedrock-tickets", "webhook_configs": [{"url": urls["tickets"]}]},
        ],
    }


def inhibitions():
    """Never equal on quota_code or severity alone: a cause (lowered, zero, credentials) is told beside its effect."""
    same_model = ["account_id", "region", "model", "scope"]
    yield mute(
        "BedrockThrottling", "BedrockQuotaNearLimit|BedrockQuotaSaturated|BedrockThrottledByReservation", same_model
    )
    per_minute = "BedrockThrottling|BedrockThrottledByReservation|BedrockQuotaNearLimit|BedrockQuotaSaturated"
    yield mute("BedrockDailyTokensGone", per_minute, same_model, STANDARD)
    # One row for both scopes: its scope is "regional", theirs are not.
    regional, both = 'scope="regional"', 'scope=~"on_demand|cross_region"'
    yield mute("BedrockDailyTokensGone", per_minute, same_model[:-1], STANDARD, regional, also_target=[both])
    yield mute(
        "BedrockManyModelsThrottled", "BedrockThrottling|BedrockThrottledByReservation", ["account_id", "region"]
    )
    yield mute("BedrockQuotaSaturated", "BedrockQuotaNearLimit", same_model + ["endpoint", "variant", "quota"])
    yield mute("BedrockRegionBlind", "BedrockTargetDown|BedrockDataStale", ["region"])
    yield mute("BedrockCredentialsFailing", "BedrockTargetDown", ["account_id", "region", "collector"])
    yield mute("BedrockExporterDown", "BedrockExporterAbsent|BedrockDataStale", [])
    yield mute("BedrockExporterAbsent", "BedrockDataStale", [])


def mute(source, targets, equal, *also_source, also_target=()):
    rule = {
        "source_matchers": [f'alertname="{source}"', *also_source],
        "target_matchers": [f'alertname=~"{targets}"', *also_target],
    }
    return {**rule, "equal": equal} if equal else rule
