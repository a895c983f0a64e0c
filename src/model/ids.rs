//! The words that become label values: targets, models, scopes, quota kinds.

use std::fmt;
use std::sync::Arc;

/// What is watched: one AWS account in one region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The 12-digit account id.
    pub account_id: Arc<str>,
    /// For example `us-east-1`.
    pub region: Arc<str>,
}

impl Target {
    pub fn new(account_id: &str, region: &str) -> Target {
        Target { account_id: account_id.into(), region: region.into() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account_id, self.region)
    }
}

/// An enum whose variants each have one word: its label value, also in JSON and messages.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The label value.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The variant of that label value.
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|v| v.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Which pool of capacity a call draws on, and so which family of quotas it spends.
    Scope {
        /// A bare model id: `On-demand …` quotas.
        OnDemand = "on_demand",
        /// A geographic inference profile (`us.`, `eu.`, …): `Cross-region …` quotas.
        CrossRegion = "cross_region",
        /// A `global.` inference profile: `Global cross-region …` quotas.
        Global = "global",
        /// A day row shared by on-demand and cross-region calls.
        Regional = "regional",
        /// Batch inference jobs.
        Batch = "batch",
        /// Provisioned throughput: model units.
        Provisioned = "provisioned",
    }
}

impl Scope {
    /// Those that a call names, by the id that it calls.
    pub const CALLED: [Scope; 3] = [Scope::OnDemand, Scope::CrossRegion, Scope::Global];
}

words! {
    /// The service endpoint whose calls a quota limits.
    Endpoint {
        /// `bedrock-runtime`, CloudWatch namespace `AWS/Bedrock`.
        Runtime = "runtime",
        /// `bedrock-mantle`, CloudWatch namespace `AWS/BedrockMantle`.
        Mantle = "mantle",
    }
}

words! {
    /// Rows of one model, scope and quantity that limit different calls.
    Variant {
        Standard = "standard",
        /// `… 1M Context Length`.
        OneMillionContext = "1m_context",
        /// `On-demand, latency-optimized …`.
        LatencyOptimized = "latency_optimized",
        /// `(Model customization) Sum of on demand custom model deployment …`.
        CustomDeployment = "custom_deployment",
    }
}

words! {
    /// What a model quota limits: the label `quota`.
    QuotaKind {
        RequestsPerMinute = "requests_per_minute",
        TokensPerMinute = "tokens_per_minute",
        TokensPerDay = "tokens_per_day",
        InputTokensPerMinute = "input_tokens_per_minute",
        OutputTokensPerMinute = "output_tokens_per_minute",
        /// Synchronous calls in flight.
        ConcurrentRequests = "concurrent_requests",
        /// Asynchronous calls in flight (`InvokeModel async concurrent requests`).
        AsyncConcurrentRequests = "async_concurrent_requests",
        /// Submitted and in-progress batch inference jobs.
        BatchJobs = "batch_jobs",
        /// Provisioned model units.
        ModelUnits = "model_units",
    }
}

impl QuotaKind {
    /// Whether it limits what is spent in a span of time, and not what is in flight or in place.
    pub fn is_rate(self) -> bool {
        match self {
            QuotaKind::RequestsPerMinute
            | QuotaKind::TokensPerMinute
            | QuotaKind::TokensPerDay
            | QuotaKind::InputTokensPerMinute
            | QuotaKind::OutputTokensPerMinute => true,
            QuotaKind::ConcurrentRequests
            | QuotaKind::AsyncConcurrentRequests
            | QuotaKind::BatchJobs
            | QuotaKind::ModelUnits => false,
        }
    }
}

words! {
    /// The one state that holds for a quota, in order of precedence.
    State {
        /// Service Quotas answered with an ErrorReason; the value is not to be trusted.
        Error = "error",
        /// No quota row names this model in this scope.
        NoSuchQuota = "no_such_quota",
        /// Only AWS's default is listed: no applied value.
        NotListed = "not_listed",
        /// The applied value is 0.
        Zero = "zero",
        /// The row carries no value at all.
        Unknown = "unknown",
        /// There is a limit, but nothing CloudWatch publishes measures its usage.
        Unmeasurable = "unmeasurable",
        Ok = "ok",
    }
}

words! {
    /// How a quota row was matched to a model: the label `match`.
    Method {
        /// The row's name and the model's id spell the same identity.
        Identity = "identity",
        /// A reviewed row of data/aliases.
        Alias = "alias",
        /// The user's config says so.
        Override = "override",
        /// The row itself carries a UsageMetric.
        UsageMetric = "usage_metric",
    }
}

words! {
    /// Where a quota's usage comes from: the label `usage_source`.
    UsageSource {
        /// CloudWatch's EstimatedTPMQuotaUsage.
        Estimated = "estimated",
        /// Input + cache write + burndown × output.
        Reconstructed = "reconstructed",
        /// A plain count: invocations, mantle tokens, jobs, units.
        Counted = "counted",
        /// Invocations × average latency / 60 s.
        LittlesLaw = "littles_law",
        /// The UsageMetric that the row itself carries; no row of model inference did in 2026.
        UsageMetric = "usage_metric",
        /// Nothing that CloudWatch publishes measures it.
        None = "none",
    }
}
