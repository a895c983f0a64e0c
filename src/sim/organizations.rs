//! AWS Organizations: accounts, units, tags.

use super::pages::page;
use super::wire::{Refusal, Scene, unknown_operation};
use super::world::{Member, Organization};
use serde_json::{Value, json};

/// The default and the most.
const PAGE: u64 = 20;
const ID: &str = "o-simulated0";

pub fn perform(scene: &Scene, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let Some(organization) = &scene.sim.world().organization else {
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
            let rows = all().map(|member| account(organization, member)).collect();
            paged(scene, input, "Accounts", rows, PAGE)
        }
        "ListAccountsForParent" => {
            let parent = parent(organization, input)?;
            let here = all().filter(|member| member.unit == parent);
            paged(scene, input, "Accounts", here.map(|member| account(organization, member)).collect(), PAGE)
        }
        "ListOrganizationalUnitsForParent" => {
            let parent = parent(organization, input)?;
            let here = organization.units.iter().filter(|unit| unit.parent == parent);
            let rows = here.map(
                |unit| json!({"Id": unit.id, "Arn": arn(organization, "ou", &unit.id), "Name": unit.name}),
            );
            paged(scene, input, "OrganizationalUnits", rows.collect(), PAGE)
        }
        "ListTagsForResource" => {
            let member = all().find(|member| Some(member.id.as_str()) == input["ResourceId"].as_str());
            let message =
                "We can't find a root, OU, account, or policy with the TargetId that you specified.";
            let member = member.ok_or_else(|| Refusal::new(400, "TargetNotFoundException", message))?;
            let rows = member.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
            paged(scene, input, "Tags", rows.collect(), 50)
        }
        _ => Err(unknown_operation(operation)),
    }
}

fn paged(scene: &Scene, input: &Value, field: &str, rows: Vec<Value>, most: u64) -> Result<Value, Refusal> {
    let invalid = |message: &str| Refusal::new(400, "InvalidInputException", message);
    let size = input["MaxResults"].as_u64().unwrap_or(most);
    if !(1..=most).contains(&size) {
        return Err(invalid(&format!("MaxResults must be between 1 and {most}.")));
    }
    let bad_token = invalid("You specified an invalid value for NextToken.");
    let (rows, next) = page(scene, rows, input["NextToken"].as_str(), size as usize, bad_token)?;
    let mut reply = json!({ field: rows });
    if let Some(next) = next {
        reply["NextToken"] = json!(next);
    }
    Ok(reply)
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
