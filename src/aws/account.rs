//! AWS Account Management: the regions that an account has enabled.

use super::error::malformed;
use super::pages::{Pace, list};
use super::session::Session;
use crate::model::observation::CollectError;
use crate::model::partition;
use crate::model::time::Timestamp;
use aws_sdk_account::types::RegionOptStatus;
use std::sync::Arc;

/// AWS's rate, in calls a second per account.
const RATE: u32 = 5;
const REGIONS: &str = "account:ListRegions";
/// One a line; what begins with `#` is said of it.
const WITH_BEDROCK: &str = include_str!("../../data/bedrock-regions.txt");

/// The enabled regions of an account.
pub struct EnabledRegions {
    /// Those known to have Bedrock.
    pub with_bedrock: Vec<String>,
    pub others: Vec<String>,
}

impl Session {
    /// What the account has enabled. `region`: any of its partition.
    pub async fn enabled_regions(
        &self,
        account_id: &str,
        region: &str,
        now: Timestamp,
    ) -> Result<EnabledRegions, CollectError> {
        self.keys(&Arc::from(account_id)).ready(now).await?;
        let client = self.account(partition::home_of_region(region));
        let call = || {
            let call = client.list_regions().max_results(50);
            let call = call.region_opt_status_contains(RegionOptStatus::Enabled);
            call.region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        };
        let regions = list!(&Pace::new(RATE), REGIONS, client, call(), regions).await?;
        let mut names: Vec<String> = regions.into_iter().filter_map(|region| region.region_name).collect();
        // Every account has some: an answer without any is none.
        if names.is_empty() {
            return Err(malformed(REGIONS, "found no region, expected those that the account has enabled"));
        }
        names.sort();
        names.dedup();
        let (with_bedrock, others) = names.into_iter().partition(|name| has_bedrock(name));
        Ok(EnabledRegions { with_bedrock, others })
    }
}

fn has_bedrock(region: &str) -> bool {
    WITH_BEDROCK.lines().any(|line| line == region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kinds::REGION;

    #[test]
    fn the_shipped_list_is_one_of_regions() {
        let regions: Vec<&str> = WITH_BEDROCK.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(
            regions.len() > 30 && regions.iter().all(|region| (REGION.parse)(region).is_some()),
            "{regions:?}"
        );
        assert!(has_bedrock("us-east-1") && !has_bedrock("ap-east-1") && !has_bedrock(""));
    }
}
