//! Quota rows: what Service Quotas lists in a region at a moment, and the limits that calls are held to.

use super::lists::Quota;
use super::{Applied, QuotaChange, Region, World};

/// A row as one of the two lists shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaRow<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub adjustable: bool,
    pub value: Option<f64>,
    /// `ACCOUNT` or `RESOURCE`.
    pub level: &'static str,
    /// The code of its ErrorReason, if it carries one.
    pub error: Option<&'a str>,
}

/// The UsageMetric of a row, in namespace AWS/Usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageMetric<'a> {
    /// `CallCount` or `ResourceCount`.
    pub name: &'static str,
    /// The dimension Type: `API` or `Resource`.
    pub of: &'static str,
    /// The dimension Resource.
    pub resource: &'a str,
    pub statistic: &'static str,
}

/// Seconds of the Period of a row, if it has one: those whose name does not tell it.
pub fn period(name: &str) -> Option<u64> {
    name.starts_with("Throttle rate limit for ").then_some(1)
}

impl World {
    /// The quota rows that a region lists.
    pub fn quota_rows(&self, region: &Region) -> Vec<&Quota> {
        if let Some(codes) = &region.codes {
            return codes.iter().filter_map(|code| self.lists.quota(code)).collect();
        }
        // A region has the account's one row for tokens per day or the models' own, never both.
        let unlisted = if region.day_rows { is_cross_model_row } else { is_day_row };
        self.lists.listed(&region.name).filter(|quota| !unlisted(quota)).collect()
    }

    /// The limit that calls are held to: the applied value, the default where there is none.
    pub fn limit(&self, region: &Region, code: &str, now: i64) -> Option<f64> {
        match region.applied(code, now) {
            Some(Applied::Value(value)) => Some(*value),
            _ => self.lists.quota(code).map(|q| self.lists.default_value(q, &region.name)),
        }
    }

    /// The rows of ListAWSDefaultServiceQuotas.
    pub(super) fn default_rows<'a>(&'a self, region: &'a Region, now: i64) -> Vec<QuotaRow<'a>> {
        let rows = self.quota_rows(region).into_iter().filter(|quota| region.shows(&quota.code, now));
        let row = |quota: &'a Quota| QuotaRow {
            code: &quota.code,
            name: region.name_of(quota, now),
            adjustable: quota.adjustable.unwrap_or(false),
            value: Some(self.lists.default_value(quota, &region.name)),
            level: "ACCOUNT",
            error: None,
        };
        rows.map(row).collect()
    }

    /// The rows of ListServiceQuotas, which lacks those without an applied value.
    pub(super) fn applied_rows<'a>(&'a self, region: &'a Region, now: i64) -> Vec<QuotaRow<'a>> {
        let mut rows = Vec::new();
        for default in self.default_rows(region, now) {
            match region.applied(default.code, now) {
                Some(Applied::DefaultOnly) => {}
                Some(Applied::NoValue) => rows.push(QuotaRow { value: None, ..default.clone() }),
                Some(Applied::Error(code)) => rows.push(QuotaRow { error: Some(code), ..default.clone() }),
                Some(Applied::Value(value)) => rows.push(QuotaRow { value: Some(*value), ..default.clone() }),
                Some(Applied::Resource(_)) | None => rows.push(default.clone()),
            }
            for value in region.resource_values(default.code, now) {
                rows.push(QuotaRow { value: Some(value), level: "RESOURCE", ..default.clone() });
            }
        }
        rows
    }
}

impl QuotaRow<'_> {
    /// The metric that the row says it is measured by. Rows of model inference have none; those of control planes
    /// (Agents, Flows, Prompt management, Automated Reasoning, Data Automation) do.
    pub fn usage_metric(&self) -> Option<UsageMetric<'_>> {
        let (group, rest) = match self.name.strip_prefix('(').and_then(|name| name.split_once(") ")) {
            Some((group, rest)) => (group, rest),
            None => ("", self.name),
        };
        if !["", "Automated Reasoning", "Data Automation", "Flows", "Prompt management"].contains(&group) {
            return None;
        }
        let call =
            rest.strip_suffix(" requests per second").or(rest.strip_prefix("Throttle rate limit for "));
        if let Some(resource) = call.filter(|call| !call.contains(' ')) {
            // Lists hint at Maximum here and there, which is 1 for every datapoint of calls.
            let statistic = if resource.starts_with("List") { "Maximum" } else { "Sum" };
            return Some(UsageMetric { name: "CallCount", of: "API", resource, statistic });
        }
        let counted =
            |resource| UsageMetric { name: "ResourceCount", of: "Resource", resource, statistic: "Maximum" };
        match rest {
            // The agent's id is left for the reader to fill in.
            "Action groups per Agent" => Some(counted("${AgentId}/ActionGroup")),
            _ => rest.strip_suffix(" per account").filter(|what| !what.contains(' ')).map(counted),
        }
    }
}

impl Region {
    /// The entry that holds instead of the default, rows at RESOURCE level aside.
    pub fn applied(&self, code: &str, now: i64) -> Option<&Applied> {
        let account = self.begun(code, now).filter(|c| !matches!(c.applied, Applied::Resource(_)));
        account.max_by_key(|c| c.from).map(|c| &c.applied)
    }

    /// Lets a change hold, in place of one from the same moment.
    pub fn set_quota(&mut self, change: QuotaChange) {
        self.quotas.retain(|other| (&other.code, other.from) != (&change.code, change.from));
        self.quotas.push(change);
    }

    /// The values of the row at RESOURCE level.
    fn resource_values(&self, code: &str, now: i64) -> impl Iterator<Item = f64> {
        self.begun(code, now).filter_map(|c| match c.applied {
            Applied::Resource(value) => Some(value),
            _ => None,
        })
    }

    fn begun(&self, code: &str, now: i64) -> impl Iterator<Item = &QuotaChange> {
        self.quotas.iter().filter(move |c| c.code == code && c.from <= now)
    }

    /// The name of a row at a moment.
    fn name_of<'a>(&'a self, quota: &'a Quota, now: i64) -> &'a str {
        let former = self.renamed.iter().filter(|former| former.code == quota.code && now < former.until);
        former.min_by_key(|former| former.until).map_or(&quota.name, |former| &former.name)
    }

    /// Tells whether lists show a row (by its code) or a profile, deployment or imported model (by its id).
    pub(super) fn shows(&self, name: &str, now: i64) -> bool {
        !self.hidden.iter().any(|hidden| hidden.name == name && hidden.during.contains(&now))
    }
}

/// A model's own tokens per day.
fn is_day_row(quota: &Quota) -> bool {
    let heads = ["Global cross-region model inference tokens per day", "Model invocation max tokens per day"];
    heads.iter().any(|head| quota.name.starts_with(head))
}

/// The account's tokens per day, of all models together.
fn is_cross_model_row(quota: &Quota) -> bool {
    quota.name.starts_with("Cross-Model")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::{Account, FormerName, Hidden};

    const TOKENS: &str = "L-479B647F";

    fn world(region: Region) -> World {
        let regions = vec![Region { name: "us-east-1".into(), ..region }];
        let account = Account { id: "000000000000".into(), regions, ..Account::default() };
        World { accounts: vec![account], ..World::default() }
    }

    fn name(world: &World, now: i64) -> Option<String> {
        let rows = world.view("000000000000", "us-east-1", now).unwrap().quotas();
        rows.iter().find(|row| row.code == TOKENS).map(|row| row.name.to_string())
    }

    #[test]
    fn a_row_is_renamed_under_the_same_code_and_goes_and_comes_back() {
        let former = "Cross-Region InvokeModel tokens per minute for Anthropic Claude 3.5 Sonnet";
        let today = "Cross-region model inference tokens per minute for Anthropic Claude 3.5 Sonnet";
        let world = world(Region {
            codes: Some(vec![TOKENS.into()]),
            renamed: vec![FormerName { code: TOKENS.into(), name: former.into(), until: 1000 }],
            hidden: vec![Hidden { name: TOKENS.into(), during: 1500..1600 }],
            ..Region::default()
        });
        assert_eq!(name(&world, 999).as_deref(), Some(former));
        assert_eq!(name(&world, 1000).as_deref(), Some(today));
        assert_eq!([name(&world, 1500), name(&world, 1599)], [None, None]);
        assert_eq!(name(&world, 1600).as_deref(), Some(today));
    }

    #[test]
    fn dozens_of_rows_carry_a_usage_metric_and_none_of_model_inference() {
        let world = world(Region::default());
        let rows = world.view("000000000000", "us-east-1", 0).unwrap().quotas();
        let metered: Vec<_> = rows.iter().filter(|row| row.usage_metric().is_some()).collect();
        assert!((60..120).contains(&metered.len()), "{}", metered.len());
        for row in &metered {
            assert!(!row.name.contains("inference") && !row.name.contains("Guardrail"), "{}", row.name);
        }
        let of = |name: &str| rows.iter().find(|row| row.name == name).unwrap().usage_metric();
        let calls = UsageMetric { name: "CallCount", of: "API", resource: "GetFlow", statistic: "Sum" };
        assert_eq!(of("(Flows) GetFlow requests per second"), Some(calls));
        assert_eq!(of("Throttle rate limit for GetBlueprint").map(|m| m.resource), Some("GetBlueprint"));
        assert_eq!(of("Agents per account").map(|m| (m.name, m.resource)), Some(("ResourceCount", "Agents")));
    }
}
