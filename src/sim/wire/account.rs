//! AWS Account Management: which regions are enabled.

use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use serde_json::{Value, json};

/// Regions that some account of the world may have, and whether they must be opted in to.
const REGIONS: [(&str, bool); 12] = [
    ("ap-east-1", true),
    ("ap-northeast-1", false),
    ("ap-southeast-2", false),
    ("ca-central-1", false),
    ("eu-central-1", false),
    ("eu-west-1", false),
    ("me-south-1", true),
    ("mx-central-1", true),
    ("sa-east-1", false),
    ("us-east-1", false),
    ("us-east-2", false),
    ("us-west-2", false),
];

/// Whether a region is one that accounts must opt in to.
pub fn is_opt_in(region: &str) -> bool {
    REGIONS.contains(&(region, true))
}

const PAGING: Paging = Paging {
    size: Some("MaxResults"),
    token: "NextToken",
    usual: 50,
    most: 50,
    bad_size: "ValidationException",
    bad_token: ("ValidationException", "The NextToken is not one of ListRegions."),
};

/// The operation that a method and a path mean.
pub fn route(method: &str, path: &str) -> Option<&'static str> {
    ((method, path) == ("POST", "/listRegions")).then_some("ListRegions")
}

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "ListRegions" => list_regions(scene, input),
        _ => Err(unknown_operation(operation)),
    }
}

/// A region that the world's account lacks is disabled, also where AWS would not let it be.
fn list_regions(scene: &Scene, input: &Value) -> Result<Value, Refusal> {
    let has = |name: &str| {
        let mut named = scene.account.regions.iter().map(|region| &region.name);
        named.any(|region| region == name)
            || scene.account.without_bedrock.iter().any(|region| region == name)
    };
    let status = |(name, opt_in): (&str, bool)| match (has(name), opt_in) {
        (false, _) => "DISABLED",
        (true, true) => "ENABLED",
        (true, false) => "ENABLED_BY_DEFAULT",
    };
    let wanted = input["RegionOptStatusContains"].as_array();
    let fits = |status: &str| wanted.is_none_or(|wanted| wanted.iter().any(|w| w == status));
    let rows = REGIONS.into_iter().filter(|region| fits(status(*region))).collect();
    let row = |region: (&str, bool)| json!({"RegionName": region.0, "RegionOptStatus": status(region)});
    Ok(PAGING.page(scene, input, rows)?.reply("Regions", row))
}
