"""What ends, and what takes long: for tickets, evaluated slowly."""

from .promql import PROVISIONED, QUOTA_CODE, top
from .quotas import lowered
from .text import QUOTA_NAME, WHERE, lookup

DAY = 86400


def alerts(values):
    yield lowered(values["quota_lowered"])

    v = values["provisioned_commitment"]
    left = top(PROVISIONED, "bedrock_provisioned_throughput_commitment_expiration_timestamp_seconds") + " - time()"
    yield dict(
        alert="BedrockProvisionedCommitmentEnding", severity="warning", values=v, dashboard="capacity", labels=PROVISIONED,
        expr=f"{left} > 0\nand\n{left} < {v['days']} * {DAY}",
        summary="The commitment of provisioned throughput {{ $labels.name }} ends in {{ $value | humanizeDuration }}",
        description=(
            lookup("max(bedrock_provisioned_throughput_model_units{%s})", PROVISIONED, "value | humanize")
            + " model units of {{ $labels.model }} (" + WHERE + "). AWS renews a commitment by itself at the end of its "
            "term: decide before whether to keep it."))

    v = values["end_of_life"]
    by = "account_id, region, model"
    yield dict(
        alert="BedrockModelNearEndOfLife", severity="warning", values=v, dashboard="capacity", labels=by,
        expr=f"""\
{top(by, "bedrock_model_end_of_life_timestamp_seconds")} - time() < {v["days"]} * {DAY}
and
{top(by, 'max_over_time(bedrock_attempts{window="30m"}[1d:30m])')} > 0""",
        summary="{{ $labels.model }} is still called and {{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }}"
        "{{ else }}past its end of life{{ end }}",
        description=(
            "{{ $labels.model }} was called within the last day (" + WHERE + "). Its end of life is "
            + lookup("max(bedrock_model_end_of_life_timestamp_seconds{%s})", by, "value | humanizeTimestamp")
            + "; after that, calls fail. AWS grants no quota increases for legacy models."))

    v = values["increase_request"]
    yield dict(
        alert="BedrockIncreaseRequestOld", severity="warning", values=v, dashboard="capacity", labels=QUOTA_CODE,
        expr="time() - " + top(QUOTA_CODE, "bedrock_service_quota_increase_created_timestamp_seconds")
             + f" > {v['days']} * {DAY}",
        summary="A quota increase has been open for {{ $value | humanizeDuration }} ({{ $labels.quota_code }})",
        description=(
            "The request to raise “" + QUOTA_NAME + "” to "
            + lookup("max(bedrock_service_quota_increase_requested{%s})", QUOTA_CODE, "value | humanize")
            + " (" + WHERE + ") was made {{ $value | humanizeDuration }} ago and is still open."))
