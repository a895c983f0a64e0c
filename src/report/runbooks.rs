//! The runbooks of the alerts, as docs/runbooks has them: those of this version, at hand where nothing else is.

macro_rules! runbooks {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../docs/runbooks/", $name, ".md"))),)*]
    };
}

/// Name and text, by name.
pub const RUNBOOKS: &[(&str, &str)] = runbooks! {
    "BedrockBudgetDegraded"
    "BedrockCapacityErrors"
    "BedrockConfigReloadFailed"
    "BedrockCredentialsFailing"
    "BedrockDailyTokensGone"
    "BedrockDailyTokensRunningOut"
    "BedrockDataStale"
    "BedrockDiscoveryFailing"
    "BedrockExporterAbsent"
    "BedrockExporterDown"
    "BedrockExporterReplicaDown"
    "BedrockExporterStuck"
    "BedrockGuardrailThrottling"
    "BedrockIncreaseRequestOld"
    "BedrockManyModelsThrottled"
    "BedrockModelNearEndOfLife"
    "BedrockProvisionedCommitmentEnding"
    "BedrockQuotaLowered"
    "BedrockQuotaNearLimit"
    "BedrockQuotaSaturated"
    "BedrockRegionBlind"
    "BedrockServiceQuotaNearLimit"
    "BedrockShardMissing"
    "BedrockShardsDisagree"
    "BedrockTargetDown"
    "BedrockTargetsLost"
    "BedrockThrottledByReservation"
    "BedrockThrottling"
    "BedrockUnmappedTraffic"
    "BedrockZeroQuotaAttempted"
};

/// The text of one, in Markdown.
pub fn runbook(name: &str) -> Option<&'static str> {
    RUNBOOKS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
