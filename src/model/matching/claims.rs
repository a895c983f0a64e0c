//! Which model each quota row belongs to.
//!
//! A row goes to the one model with the best evidence, and a model takes in each slot the one row with
//! the best evidence; two equals leave both sides without. So nothing depends on any order.

use super::aliases::{ALIASES, Alias};
use super::identity::{Identity, provider_stem};
use super::invocation::Lists;
use super::names::{self, Slot};
use super::profiles::prefixed;
use super::resolution::Rules;
use crate::model::ids::{Endpoint, Method, Scope, Variant};
use crate::model::quota::ServiceQuota;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why a row is a model's, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// The user's config.
    Override,
    /// The row's own UsageMetric names the model.
    UsageMetric,
    /// Name and id agree in every part.
    Spelled,
    /// data/aliases.yaml.
    Alias,
    /// Name and id agree but for parts that AWS leaves out at random.
    LeftOut,
    /// The row carries the listed modelName, which is no identity: the id may still spell another row.
    Named,
}

impl Evidence {
    pub(super) fn method(self) -> Method {
        match self {
            Evidence::Override => Method::Override,
            Evidence::UsageMetric => Method::UsageMetric,
            Evidence::Alias => Method::Alias,
            Evidence::Spelled | Evidence::LeftOut | Evidence::Named => Method::Identity,
        }
    }
}

/// A quota row that names a model.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub code: Arc<str>,
    pub name: String,
    pub slot: Slot,
    pub identity: Identity,
    /// Of a row that is nobody's, the same with its provider found behind other words too: for hints, never for
    /// a match.
    pub loose: Option<Identity>,
    text: String,
    alias: Option<&'static Alias>,
    /// The base model id in the row's UsageMetric.
    metered: Option<String>,
}

impl Row {
    /// The rows that usage of a model can be held against.
    pub(super) fn all(listed: &[Arc<ServiceQuota>], providers: &BTreeSet<String>) -> Vec<Row> {
        let aliases = read_aliases(providers);
        listed.iter().filter_map(|quota| Row::read(quota, providers, &aliases)).collect()
    }

    fn read(
        quota: &ServiceQuota,
        providers: &BTreeSet<String>,
        aliases: &HashMap<String, Vec<(Identity, &'static Alias)>>,
    ) -> Option<Row> {
        let name = names::parse(&quota.name);
        let (slot, text) = (name.slot?, name.model?);
        let identity = Identity::of_name(&text, providers);
        let alias = aliases.get(&identity.key()).into_iter().flatten();
        let alias = alias.filter(|(known, _)| identity.spells(known)).map(|(_, alias)| *alias).next();
        let metered = quota.usage_metric.as_ref().and_then(|metric| {
            let id = &metric.dimensions.iter().find(|(name, _)| name == "ModelId")?.1;
            Some(prefixed(id).map_or(id.as_str(), |(_, base)| base).to_string())
        });
        identity.is_a_name().then(|| Row {
            code: quota.code.as_str().into(),
            name: quota.name.clone(),
            slot,
            loose: None,
            identity,
            text: text.to_ascii_lowercase(),
            alias,
            metered,
        })
    }

    pub(super) fn loosen(&mut self, providers: &BTreeSet<String>) {
        self.loose = Some(Identity::of_irregular_name(&self.text, providers));
    }

    pub(super) fn alias_reason(&self) -> Option<&'static str> {
        self.alias.map(|a| a.reason.as_str())
    }
}

fn read_aliases(providers: &BTreeSet<String>) -> HashMap<String, Vec<(Identity, &'static Alias)>> {
    let mut aliases: HashMap<String, Vec<(Identity, &'static Alias)>> = HashMap::new();
    for alias in ALIASES.iter() {
        let identity = named_by(alias, providers);
        aliases.entry(identity.key()).or_default().push((identity, alias));
    }
    aliases
}

/// The name in an alias; its provider is the model's, whether spelled or not.
fn named_by(alias: &Alias, providers: &BTreeSet<String>) -> Identity {
    let mut identity = Identity::of_name(&alias.quota, providers);
    identity.providers = Identity::of_id(&alias.model).providers;
    identity
}

fn aliases_of(model: &str, providers: &BTreeSet<String>) -> Vec<Identity> {
    ALIASES.iter().filter(|alias| alias.model == model).map(|alias| named_by(alias, providers)).collect()
}

/// A base model, as rows may name it.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub id: Arc<str>,
    pub identity: Identity,
    pub named: Option<Identity>,
    /// What the alias file says that it is called.
    pub aliases: Vec<Identity>,
    provisioned_only: bool,
    /// Whether provisioned throughput can be bought for it; unknown counts as yes.
    provisionable: bool,
}

impl Model {
    pub(super) fn new(id: &str, lists: &Lists) -> Model {
        let listed = lists.models.get(id);
        let mut identity = Identity::of_id(id);
        let provider = listed.and_then(|m| m.provider.as_deref()).map(provider_stem);
        identity.providers.extend(provider.filter(|stem| !stem.is_empty()));
        let named = listed.and_then(|m| m.name.as_deref()).map(|name| {
            let mut named = Identity::of_name(name, &lists.providers);
            named.providers.clone_from(&identity.providers);
            named
        });
        let types = listed.map(|m| m.inference_types.as_slice()).unwrap_or_default();
        Model {
            id: id.into(),
            named,
            aliases: aliases_of(id, &lists.providers),
            provisioned_only: lists.provisioned_only(id),
            provisionable: types.is_empty() || types.iter().any(|t| t == "PROVISIONED"),
            identity,
        }
    }

    /// Where rows that may name it are found.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        [Some(self.identity.key()), self.named.as_ref().map(Identity::key)].into_iter().flatten().collect()
    }

    /// Provisioned-only ids spend model units and nothing else.
    fn can_spend(&self, slot: Slot) -> bool {
        if slot.scope == Scope::Provisioned { self.provisionable } else { !self.provisioned_only }
    }

    /// What is bought as model units often has an id of its own beside the one that is called: `…-v1:0` beside
    /// `…-v1`.
    fn is_meant_by(&self, alias: &Alias, scope: Scope) -> bool {
        *alias.model == *self.id
            || (scope == Scope::Provisioned && Identity::of_id(&alias.model) == self.identity)
    }

    pub(super) fn evidence(&self, row: &Row, rules: &Rules) -> Option<Evidence> {
        if let Some(owner) = rules.quotas.get(&*row.code) {
            return (owner.as_deref() == Some(&self.id)).then_some(Evidence::Override);
        }
        if let Some(metered) = &row.metered {
            return (**metered == *self.id).then_some(Evidence::UsageMetric);
        }
        if !self.can_spend(row.slot) {
            return None;
        }
        if row.identity.spells(&self.identity) {
            return Some(Evidence::Spelled);
        }
        if row.alias.is_some_and(|alias| self.is_meant_by(alias, row.slot.scope)) {
            return Some(Evidence::Alias);
        }
        if row.identity.may_leave_out(&self.identity) {
            return Some(Evidence::LeftOut);
        }
        // A name that needs an alias to be understood is no evidence of its own; neither is one that says
        // less than the id: "Claude Sonnet 6" on `…sonnet-6-fast`.
        let named = self.named.as_ref().is_some_and(|name| {
            row.alias.is_none() && row.identity.spells(name) && !name.is_less_than(&self.identity)
        });
        (named && !row.identity.contradicts(&self.identity)).then_some(Evidence::Named)
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Claim {
    Free,
    Owned(Arc<str>, Evidence),
    /// Models with the same best evidence.
    Contested(Vec<Arc<str>>),
}

/// The best claim to each row, among `models`, the shipped aliases and the user's rules.
pub(super) fn claims(rows: &[Row], models: &BTreeMap<Arc<str>, Model>, rules: &Rules) -> Vec<Claim> {
    let mut by_words: HashMap<String, Vec<&Model>> = HashMap::new();
    for model in models.values() {
        for key in model.keys() {
            by_words.entry(key).or_default().push(model);
        }
    }
    rows.iter().map(|row| claim(row, by_words.get(&row.identity.key()), models, rules)).collect()
}

fn claim(
    row: &Row,
    same_words: Option<&Vec<&Model>>,
    models: &BTreeMap<Arc<str>, Model>,
    rules: &Rules,
) -> Claim {
    let told = rules.quotas.get(&*row.code).into_iter().flatten().map(String::as_str);
    let told = told.chain(row.metered.as_deref()).chain(row.alias.map(|a| a.model.as_str()));
    let told = told.filter_map(|id| models.get(id));
    let candidates = same_words.into_iter().flatten().copied().chain(told);
    let mut best: Vec<(Evidence, Arc<str>)> =
        candidates.filter_map(|m| Some((m.evidence(row, rules)?, m.id.clone()))).collect();
    // The alias's model keeps its row where no list shows it, or the row would be free for a namesake.
    let kept = |alias: &&Alias| {
        row.slot.scope != Scope::Provisioned
            && !rules.quotas.contains_key(&*row.code)
            && !models.contains_key(alias.model.as_str())
    };
    best.extend(row.alias.filter(kept).map(|alias| (Evidence::Alias, alias.model.as_str().into())));
    best.sort();
    best.dedup();
    best.retain({
        let first = best.first().map(|(evidence, _)| *evidence);
        move |(evidence, _)| Some(*evidence) == first
    });
    match best.len() {
        0 => Claim::Free,
        1 => Claim::Owned(best[0].1.clone(), best[0].0),
        _ => Claim::Contested(best.into_iter().map(|(_, model)| model).collect()),
    }
}

/// What one model may take of the rows it has the best claim to.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Indices of rows.
    pub won: Vec<(usize, Evidence)>,
    /// Rows that name the model equally well in one slot.
    pub disputed: BTreeMap<Slot, Vec<usize>>,
}

pub(super) fn settle(rows: &[Row], claimed: &[(usize, Evidence)]) -> Settled {
    let by_id = |slot: Slot| {
        claimed.iter().any(|(row, evidence)| {
            matches!(evidence, Evidence::Spelled | Evidence::LeftOut)
                && convention(rows[*row].slot) == convention(slot)
        })
    };
    let mut slots: BTreeMap<Slot, Vec<(Evidence, usize)>> = BTreeMap::new();
    for (row, evidence) in claimed {
        let slot = rows[*row].slot;
        if *evidence != Evidence::Named || !by_id(slot) {
            slots.entry(slot).or_default().push((*evidence, *row));
        }
    }
    let mut settled = Settled::default();
    for (slot, mut candidates) in slots {
        candidates.sort();
        let best = candidates[0];
        candidates.retain(|(evidence, _)| *evidence == best.0);
        // Batch rows come twice under one name and are all the model's; elsewhere two rows are one too many.
        let twins =
            slot.scope == Scope::Batch && candidates.iter().all(|c| rows[c.1].text == rows[best.1].text);
        if candidates.len() == 1 || twins {
            settled.won.extend(candidates.into_iter().map(|(evidence, row)| (row, evidence)));
        } else {
            settled.disputed.insert(slot, candidates.into_iter().map(|(_, row)| row).collect());
        }
    }
    settled
}

/// AWS names models differently in each of these, but alike within one.
fn convention(slot: Slot) -> (Endpoint, bool, bool, bool) {
    let (batch, units) = (slot.scope == Scope::Batch, slot.scope == Scope::Provisioned);
    (slot.endpoint, batch, units, slot.variant == Variant::CustomDeployment)
}
