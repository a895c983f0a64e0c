//! `capacity`: the closest that there is to how much of a model an account gets.

use super::envelope;
use super::human::{exact, rounded};
use super::provisioned::{Purchase, purchase_json, purchases};
use super::sheet::{Sheet, Terminal, heading, wrapped};
use super::usage::{self, QuotaUsage};
use crate::model::ids::{QuotaKind, Scope};
use crate::model::usage::InvocationId;
use crate::picture::survey::Survey;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the answer is worth.
pub const NOTES: &str = "\
    No API of AWS tells what capacity a model has, for an account or at all: get-foundation-model-throughput-capacity, \
    which tutorials call, does not exist. A limit is the most that is let in, and no promise: AWS may be short of \
    capacity below it (503, 529). CEILING is the most that settled in a minute in which calls were refused; with a large \
    max_tokens it lies far below the limit. The reserved tier has no quota and no list: that \
    calls were served by it is all that shows.";

/// One model in one scope.
pub struct Pool {
    pub model: String,
    pub scope: Scope,
    pub quotas: Vec<QuotaUsage>,
}

/// What a target has of some models.
pub struct Capacity<'a> {
    pub pools: Vec<Pool>,
    /// `None`: not read.
    pub purchases: Option<Vec<Purchase<'a>>>,
    /// Ids of which calls of the last two weeks were served by the reserved tier; `None`: not known.
    pub reserved: Option<Vec<&'a str>>,
}

impl<'a> Capacity<'a> {
    /// `has`: whether a base model, or an invocation id, is meant.
    pub fn of(survey: &'a Survey<'a>, has: impl Fn(&str) -> bool) -> Capacity<'a> {
        let mut pools: BTreeMap<(String, Scope), Vec<QuotaUsage>> = BTreeMap::new();
        let rows = survey.quotas.iter().filter(|quota| has(&quota.key.model) && limits_calls(survey, quota));
        for row in rows {
            let pool = pools.entry((row.key.model.to_string(), row.key.scope)).or_default();
            pool.extend(usage::quota(survey, &row.key));
        }
        let pool = |((model, scope), quotas)| Pool { model, scope, quotas };
        let bought = purchases(survey);
        let purchases = bought.map(|all| all.into_iter().filter(|one| has(one.model())).collect());
        let is_of_model = |id: &&str| {
            let model = survey.index.resolve(&InvocationId::runtime(id)).model;
            has(id) || model.is_some_and(|model| has(&model))
        };
        let reserved = survey.picture.reserved.as_ref();
        let reserved = reserved.map(|ids| ids.iter().map(String::as_str).filter(is_of_model).collect());
        Capacity { pools: pools.into_iter().map(pool).collect(), purchases, reserved }
    }

    pub fn is_empty(&self) -> bool {
        self.pools.is_empty() && self.purchases.as_ref().is_none_or(Vec::is_empty)
    }
}

fn limits_calls(survey: &Survey, quota: &crate::model::matching::ModelQuota) -> bool {
    let minute = [QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute, QuotaKind::ConcurrentRequests];
    let daily = quota.key.kind == QuotaKind::TokensPerDay;
    !quota.key.code.is_empty() && (daily || (minute.contains(&quota.key.kind) && survey.is_callable(quota)))
}

/// A target's answer for a terminal.
pub fn render(capacity: &Capacity, terminal: Terminal) -> String {
    let mut out = String::new();
    for pool in &capacity.pools {
        out += &heading(&format!("{}, {}", pool.model, pool.scope), terminal);
        out += &usage::quota_sheet(&pool.quotas).render(terminal);
    }
    out.push('\n');
    let mut tell = |line: &str| out += &wrapped(line, terminal.width, 0);
    match &capacity.purchases {
        None => tell("provisioned throughput was not read"),
        Some(all) if all.is_empty() => tell("no provisioned throughput"),
        Some(all) => all.iter().for_each(|purchase| tell(&bought(purchase))),
    }
    tell(&match capacity.reserved.as_deref() {
        None => "reserved tier: not known".to_string(),
        Some([]) => "reserved tier: it served no call in the two weeks before this was read".to_string(),
        Some(ids) => {
            format!(
                "reserved tier: it served calls of {} in the two weeks before this was read",
                ids.join(", ")
            )
        }
    });
    out
}

fn bought(purchase: &Purchase) -> String {
    let throughput = purchase.throughput;
    let used = match &purchase.tokens {
        Some(tokens) => format!("{} tokens in its busiest minute", rounded(tokens.max)),
        None => "no calls in the span".to_string(),
    };
    format!(
        "provisioned: {} model units ({}), {}, {used}",
        exact(throughput.model_units),
        throughput.status,
        throughput.name
    )
}

/// The heads of the CSV.
pub fn csv_sheet() -> Sheet {
    use super::sheet::{number, word};
    let words = ["ACCOUNT ID", "REGION", "MODEL", "SCOPE", "QUOTA", "CODE", "STATE"];
    let numbers = ["LIMIT", "P50", "P90", "P99", "MAX", "CEILING"];
    Sheet::new(words.map(word).into_iter().chain(numbers.map(number)).collect())
}

/// Adds a target's quotas.
pub fn push_csv(sheet: &mut Sheet, survey: &Survey, capacity: &Capacity) {
    use super::human::grouped;
    use super::sheet::Field;
    for (pool, usage) in
        capacity.pools.iter().flat_map(|pool| pool.quotas.iter().map(move |usage| (pool, usage)))
    {
        let spent = usage.distribution;
        let mut fields = vec![
            Field::text(&*survey.picture.target.account_id),
            Field::text(&*survey.picture.target.region),
            Field::text(&pool.model),
            Field::text(pool.scope.word()),
            Field::text(usage.quota.key.kind.word()),
            Field::text(&*usage.quota.key.code),
            Field::text(usage.state),
        ];
        let numbers = [
            usage.quota.limit,
            spent.map(|d| d.p50),
            spent.map(|d| d.p90),
            spent.map(|d| d.p99),
            spent.map(|d| d.max),
            usage.ceiling,
        ];
        fields.extend(numbers.map(|value| Field::number(value, grouped)));
        sheet.push(fields);
    }
}

/// A target's answer as JSON.
pub fn json(survey: &Survey, capacity: &Capacity) -> Value {
    let pool = |pool: &Pool| {
        json!({
            "model": pool.model,
            "scope": pool.scope.word(),
            "quotas": pool.quotas.iter().map(usage::quota_json).collect::<Vec<_>>(),
        })
    };
    let mut target = envelope::target(survey.picture);
    target["reserved_tier_ids"] = json!(capacity.reserved);
    target["models"] = capacity.pools.iter().map(pool).collect();
    let purchases = capacity.purchases.as_ref();
    target["provisioned"] = purchases.map(|all| all.iter().map(purchase_json).collect::<Vec<_>>()).into();
    target
}
