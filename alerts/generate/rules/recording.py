"""History that outlives instances: for queries over weeks. No dashboard or alert depends on these."""

from .promql import MODEL, QUOTA, TARGET, top


def rules():
    yield dict(record="quota:bedrock_quota_limit:max", expr=top(QUOTA, "bedrock_quota_limit"))
    yield dict(
        record="quota:bedrock_quota_utilization_peak_ratio:max", expr=top(QUOTA, "bedrock_quota_utilization_peak_ratio")
    )
    yield dict(record="model:bedrock_throttle_ratio:max", expr=top(MODEL, 'bedrock_throttle_ratio{window="5m"}'))
    yield dict(record="model:bedrock_attempts:max", expr=top(MODEL, 'bedrock_attempts{window="5m"}'))
    yield dict(
        record="id:bedrock_quota_tokens:increase1h",
        expr=top(QUOTA + ", model_id", "increase(bedrock_quota_tokens_total[1h])"),
    )
    yield dict(
        record="target:bedrock_exporter_target_up:min",
        expr=f"min by ({TARGET}) ({top(TARGET + ', collector', 'bedrock_exporter_target_up')})",
    )
