"""What ends, and what takes long: for tickets, evaluated slowly."""

from .promql import PROVISIONED, QUOTA_CODE, top
from .quotas import lowered
from .text import lookup

DAY = 86400


def alerts(values):
    yield lowered(values["quota_lowered"])
    yield commitment_ending(values["provisioned_commitment"])
    yield near_end_of_life(values["end_of_life"])
    yield request_old(values["increase_request"])


def commitment_ending(v):
    left = top(PROVISIONED, "bedrock_provisioned_throughput_commitment_expiration_timestamp_seconds") + " - time()"
    return dict(
        alert="BedrockProvisionedCommitmentEnding",
        severity="warning",
        values=v,
        dashboard="capacity",
        labels=PROVISIONED,
        expr=f"{left} > 0\nand\n{left} < {v['days']} * {DAY}",
        summary="The commitment of provisioned throughput <name> ends in <value_duration>",
        description="<units> model units of <model> (<where>). AWS renews a commitment by itself at the end of its term: "
        "decide before whether to keep it.",
        parts={
            "units": lookup("max(bedrock_provisioned_throughput_model_units{%s})", PROVISIONED, "value | humanize"),
        },
    )


def near_end_of_life(v):
    by = "account_id, region, model"
    end = lookup("max(bedrock_model_end_of_life_timestamp_seconds{%s})", by, "value | humanizeTimestamp")
    return dict(
        alert="BedrockModelNearEndOfLife",
        severity="warning",
        values=v,
        dashboard="capacity",
        labels=by,
        expr=f"""\
{top(by, "bedrock_model_end_of_life_timestamp_seconds")} - time() < {v["days"]} * {DAY}
and
{top(by, 'max_over_time(bedrock_attempts{window="30m"}[1d:5m])')} > 0""",
        summary="<model> is still called and {{ if gt $value 0.0 }}ends in <value_duration>{{ else }}past its end of life"
        "{{ end }}",
        description="<model> was called within the last day (<where>). Its end of life is <end>; after that, calls fail. "
        "AWS grants no quota increases for legacy models.",
        parts={"end": end},
    )


def request_old(v):
    created = top(QUOTA_CODE, "bedrock_service_quota_increase_created_timestamp_seconds")
    return dict(
        alert="BedrockIncreaseRequestOld",
        severity="warning",
        values=v,
        dashboard="capacity",
        labels=QUOTA_CODE,
        expr=f"time() - {created} > {v['days']} * {DAY}",
        summary="A quota increase has been open for <value_duration> (<quota_code>)",
        description="The request to raise “<quota_name>” to <requested> (<where>) was made <value_duration> ago and is "
        "still open.",
        parts={
            "requested": lookup("max(bedrock_service_quota_increase_requested{%s})", QUOTA_CODE, "value | humanize"),
        },
    )
