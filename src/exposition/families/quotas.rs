//! Model quotas: one series per quota that a model's usage can be held against.

use crate::exposition::row::{
    APPLIED, DEFAULTS, LISTS, RATIO, Row, adjustable, cloudwatch, counter, gauge, seconds, target,
};
use crate::exposition::text::Samples;
use crate::exposition::view::View;
use crate::model::evaluation::QuotaStatus;
use crate::model::ids::{QuotaKind, State};

macro_rules! quota {
    ($($more:literal),*) => {
        target!("model", "endpoint", "scope", "variant", "quota", "quota_code" $(, $more)*)
    };
}

const USAGE: &str = "CloudWatch AWS/Bedrock and AWS/BedrockMantle, Sum, period 60 s; for batch jobs and model units \
    Bedrock's lists of them";
const TOKENS: &str = cloudwatch!("AWS/Bedrock and AWS/BedrockMantle, Sum");

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_quota_limit",
        quota!(),
        "The value in force of a model's quota (applied value), in the unit the label quota names.",
        APPLIED,
        |view, out| each_quota(view, out, |status| status.quota.limit),
    ),
    gauge(
        "bedrock_quota_default",
        quota!(),
        "AWS's default value of a model's quota, in the unit the label quota names. With quotas.export in_use \
         only where it is not the value in force.",
        DEFAULTS,
        defaults,
    ),
    gauge(
        "bedrock_quota_usage",
        quota!(),
        "What was spent of a model's quota in the newest settled minute known for all its invocation ids; of \
         a day quota since the day (UTC) began. Absent where unknown.",
        USAGE,
        |view, out| each_quota(view, out, |status| status.usage),
    ),
    gauge(
        "bedrock_quota_usage_peak",
        quota!(),
        "The largest single minute's usage of a model's quota in the look-back window (15 minutes unless \
         configured); of a day quota its usage. Absent where no invocation id spends it.",
        USAGE,
        |view, out| each_spent(view, out, |status| status.peak),
    ),
    gauge(
        "bedrock_quota_utilization_ratio",
        quota!(),
        "bedrock_quota_usage over bedrock_quota_limit, 1 is all of it. Absent where the limit is 0 or \
         unknown, and where no invocation id spends it.",
        RATIO,
        |view, out| each_spent(view, out, |status| status.ratio),
    ),
    gauge(
        "bedrock_quota_utilization_peak_ratio",
        quota!(),
        "bedrock_quota_usage_peak over bedrock_quota_limit, 1 is all of it. Absent where the limit is 0 or \
         unknown, and where no invocation id spends it.",
        RATIO,
        |view, out| each_spent(view, out, |status| status.peak_ratio),
    ),
    gauge(
        "bedrock_quota_above_threshold_seconds",
        quota!("threshold"),
        "How much of the look-back window, in whole minutes, the utilization ratio was at or above the \
         threshold. With quotas.export in_use absent where bedrock_quota_utilization_peak_ratio is below it.",
        RATIO,
        above_threshold,
    ),
    gauge(
        "bedrock_quota_throttled_utilization_ratio",
        quota!(),
        "The observed ceiling: the largest utilization ratio among the throttled minutes of the look-back \
         window. Well below 1 it shows that max_tokens reserves quota which is never used.",
        RATIO,
        |view, out| each_quota(view, out, |status| status.throttled_ratio),
    ),
    gauge(
        "bedrock_quota_state",
        quota!("state"),
        "The one state that holds for a model's quota; always 1. quota_code is empty in state \
         no_such_quota.",
        LISTS,
        states,
    ),
    gauge(
        "bedrock_quota_info",
        quota!("quota_name", "adjustable", "match", "usage_source"),
        "Name of a model's quota, how it was matched to the model, and what its usage is measured by; \
         always 1. Absent where no invocation id spends it and its limit is the default.",
        LISTS,
        infos,
    ),
    counter(
        "bedrock_quota_tokens_total",
        quota!("model_id"),
        "Tokens that each invocation id was charged against a model's token quota, from settled minutes.",
        TOKENS,
        charged_tokens,
    ),
    gauge(
        "bedrock_quota_uncounted_output_tokens",
        quota!("model_id"),
        "Output tokens that bedrock_quota_tokens_total and a day quota's usage lack, since their burndown is \
         not known and they came without an estimate. Absent where none.",
        TOKENS,
        uncounted_tokens,
    ),
    gauge(
        "bedrock_quota_exhaustion_timestamp_seconds",
        quota!(),
        "When today's pace will have spent a day quota, in seconds since the epoch. Absent where not before \
         the reset.",
        RATIO,
        |view, out| each_quota(view, out, |status| seconds(status.exhaustion)),
    ),
    gauge(
        "bedrock_quota_implied_burndown_factor",
        quota!(),
        "How many tokens of quota one output token spends, as EstimatedTPMQuotaUsage and the token counts \
         imply. Absent where either is.",
        cloudwatch!("AWS/Bedrock EstimatedTPMQuotaUsage and token counts, Sum"),
        |view, out| each_quota(view, out, |status| status.implied_burndown),
    ),
];

fn labels(status: &QuotaStatus) -> [&str; 6] {
    let key = &status.quota.key;
    let (endpoint, scope, variant) = (key.endpoint.word(), key.scope.word(), key.variant.word());
    [&key.model, endpoint, scope, variant, key.kind.word(), &key.code]
}

fn each_quota(view: &View<'_>, out: &mut Samples<'_>, value: fn(&QuotaStatus) -> Option<f64>) {
    for status in &view.quotas {
        out.put(&labels(status), &[], value(status));
    }
}

fn each_spent(view: &View<'_>, out: &mut Samples<'_>, value: fn(&QuotaStatus) -> Option<f64>) {
    for status in &view.spent {
        out.put(&labels(status), &[], value(status));
    }
}

fn defaults(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.quotas {
        let quota = &status.quota;
        if view.says_all() || quota.default != quota.limit {
            out.put(&labels(status), &[], quota.default);
        }
    }
}

fn above_threshold(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.spent {
        let reached = status.above_threshold.iter().filter(|(_, seconds)| view.says_all() || *seconds > 0);
        for (threshold, seconds) in reached {
            out.put(&labels(status), &[&threshold.to_string()], *seconds as f64);
        }
    }
}

fn states(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.quotas {
        out.put(&labels(status), &[status.state.word()], 1.0);
    }
}

fn infos(view: &View<'_>, out: &mut Samples<'_>) {
    let is_there = |status: &&&QuotaStatus| status.state != State::NoSuchQuota;
    for status in view.quotas.iter().filter(is_there).filter(|status| view.is_named(status)) {
        let quota = &status.quota;
        let more =
            [&*quota.name, adjustable(quota.adjustable), quota.method.word(), status.usage_source.word()];
        out.put(&labels(status), &more, 1.0);
    }
}

fn charged_tokens(view: &View<'_>, out: &mut Samples<'_>) {
    for status in view.quotas.iter().filter(|status| is_of_tokens(status.quota.key.kind)) {
        for (id, tokens) in &status.charged {
            out.put(&labels(status), &[&id.id], *tokens);
        }
    }
}

fn uncounted_tokens(view: &View<'_>, out: &mut Samples<'_>) {
    for status in &view.quotas {
        for (id, tokens) in &status.uncounted {
            out.put(&labels(status), &[&id.id], *tokens);
        }
    }
}

fn is_of_tokens(kind: QuotaKind) -> bool {
    use QuotaKind::*;
    matches!(kind, TokensPerMinute | TokensPerDay | InputTokensPerMinute | OutputTokensPerMinute)
}
