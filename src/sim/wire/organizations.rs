//! AWS Organizations: accounts, units, tags.

use super::pages::Paging;
use super::refusal::{Refusal, unknown_operation};
use super::scene::Scene;
use crate::sim::world::{Member, Organization, Unit};
use serde_json::{Value, json};

const PAGING: Paging = Paging {
    size: Some("MaxResults"),
    token: "NextToken",
    usual: 20,
    most: 20,
    bad_size: "InvalidInputException",
    bad_token: ("InvalidInputException", "You specified an invalid value for NextToken."),
};
/// Tags come in one page.
const ALL_TAGS: Paging = Paging { size: None, most: 50, ..PAGING };
const ID: &str = "o-simulated0";

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let Some(organization) = &scene.world.organization else {
        let message = "Your account is not a member of an organization.";
        return Err(Refusal::new(400, "AWSOrganizationsNotInUseException", message));
    };
    if organization.management != scene.account.id && !organization.delegated.contains(&scene.account.id) {
        let message = "You don't have permissions to access this resource.";
        return Err(Refusal::new(400, "AccessDeniedException", message));
    }
    let all =
        || organization.members.iter().filter(|member| (member.joined..member.left).contains(&scene.now));
    match operation {
        "ListAccounts" => {
            let rows = all().collect();
            Ok(PAGING.page(scene, input, rows)?.reply("Accounts", |member| account(organization, member)))
        }
        "ListAccountsForParent" => {
            let parent = parent(organization, input)?;
            let here = all().filter(|member| member.unit == parent).collect();
            Ok(PAGING.page(scene, input, here)?.reply("Accounts", |member| account(organization, member)))
        }
        "ListOrganizationalUnitsForParent" => {
            let parent = parent(organization, input)?;
            let here = organization.units.iter().filter(|unit| unit.parent == parent).collect();
            let row = |unit: &Unit| json!({"Id": unit.id, "Arn": arn(organization, "ou", &unit.id), "Name": unit.name});
            Ok(PAGING.page(scene, input, here)?.reply("OrganizationalUnits", row))
        }
        "ListTagsForResource" => {
            let member = all().find(|member| Some(member.id.as_str()) == input["ResourceId"].as_str());
            let message =
                "We can't find a root, OU, account, or policy with the TargetId that you specified.";
            let member = member.ok_or_else(|| Refusal::new(400, "TargetNotFoundException", message))?;
            let tags = member.tags.iter().collect();
            Ok(ALL_TAGS
                .page(scene, input, tags)?
                .reply("Tags", |(key, value)| json!({"Key": key, "Value": value})))
        }
        _ => Err(unknown_operation(operation)),
    }
}

/// The root or unit that is asked about.
fn parent(organization: &Organization, input: &Value) -> Result<String, Refusal> {
    let id = input["ParentId"].as_str().unwrap_or_default();
    let known = id == organization.root || organization.units.iter().any(|unit| unit.id == id);
    let message = "We can't find a root or OU with the ParentId that you specified.";
    known.then(|| id.to_string()).ok_or_else(|| Refusal::new(400, "ParentNotFoundException", message))
}

fn account(organization: &Organization, member: &Member) -> Value {
    json!({
        "Id": member.id,
        "Arn": arn(organization, "account", &member.id),
        "Email": format!("{}@example.org", member.id),
        "Name": member.name,
        "State": member.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_600_000_000.0,
    })
}

fn arn(organization: &Organization, kind: &str, id: &str) -> String {
    format!("arn:aws:organizations::{}:{kind}/{ID}/{id}", organization.management)
}
