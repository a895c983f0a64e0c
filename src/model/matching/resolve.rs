//! From an invocation id to the rows it is charged to, each with the reason in words.

use super::claims::{Claim, Evidence, Model};
use super::identity::Identity;
use super::meaning::{Meaning, Spends};
use super::names::{self, Slot};
use super::nearest;
use super::{Charge, Confidence, Index, ModelQuota, QuotaKey, Resolution, Unmapped};
use crate::model::ids::{Endpoint, Method, QuotaKind, Scope, State, Variant};
use crate::model::usage::InvocationId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

const PER_CALL: &[QuotaKind] =
    &[QuotaKind::RequestsPerMinute, QuotaKind::TokensPerMinute, QuotaKind::TokensPerDay];
/// Few models have such rows, and the absence of one is worth no series.
const IN_FLIGHT: &[QuotaKind] = &[QuotaKind::ConcurrentRequests, QuotaKind::AsyncConcurrentRequests];
const PER_MANTLE_CALL: &[QuotaKind] = &[QuotaKind::InputTokensPerMinute, QuotaKind::OutputTokensPerMinute];

/// A charge, and where it names no row the reason for that.
type Outcome = (Charge, Option<Unmapped>);

impl Index {
    /// Which model, scope and quotas an invocation id means. Rows for 1M context and latency-optimized
    /// calls are never charged: CloudWatch does not tell those calls apart by model id.
    pub fn resolve(&self, id: &InvocationId) -> Resolution {
        let meaning = match id.endpoint {
            Endpoint::Runtime => self.lists.runtime(&id.id),
            Endpoint::Mantle => self.lists.mantle(&id.id),
        };
        let mut outcomes = self.outcomes(&meaning);
        self.pin(id, &meaning, &mut outcomes);
        let unmapped = match meaning.spends {
            Spends::Nothing | Spends::ModelUnits => None,
            _ => worst(&outcomes),
        };
        let charges = outcomes.into_iter().map(|(charge, _)| charge).collect();
        let confidence = match &meaning {
            Meaning { unclear: Some(_), .. } | Meaning { model: None, .. } => Confidence::Unknown,
            Meaning { model: Some(model), .. } if self.is_known(&meaning, model) => Confidence::Exact,
            _ => Confidence::Inferred,
        };
        let Meaning { id_type, model, scope, name, tags, .. } = meaning;
        Resolution { id_type, model: model.map(Arc::from), scope, name, confidence, tags, charges, unmapped }
    }

    fn is_known(&self, meaning: &Meaning, model: &str) -> bool {
        meaning.listed || self.lists.models.contains_key(model)
    }

    fn outcomes(&self, meaning: &Meaning) -> Vec<Outcome> {
        let kinds = match meaning.spends {
            Spends::Shared | Spends::CustomDeployment => PER_CALL,
            Spends::ModelUnits => &[QuotaKind::ModelUnits],
            Spends::Mantle => PER_MANTLE_CALL,
            Spends::Nothing => &[],
        };
        let (model, scope) = match (&meaning.unclear, &meaning.model, meaning.scope) {
            (None, Some(model), Some(scope)) => (model, scope),
            (Some((label, words)), ..) => {
                return kinds.iter().map(|kind| (unknown(*kind, words.clone()), Some(*label))).collect();
            }
            _ => return Vec::new(),
        };
        let ledger = Ledger::new(self, model, self.is_known(meaning, model));
        let outcome = |kind: &QuotaKind| match (meaning.spends, kind, scope) {
            (Spends::CustomDeployment, ..) => ledger.look_up(&[Slot::custom_deployment(*kind)]),
            (Spends::Mantle, ..) => ledger.look_up(&[Slot::mantle(*kind)]),
            // The shared day row stands for both scopes, unless one has a row of its own.
            (_, QuotaKind::TokensPerDay, Scope::OnDemand | Scope::CrossRegion) => {
                ledger.look_up(&[Slot::standard(scope, *kind), Slot::standard(Scope::Regional, *kind)])
            }
            _ => ledger.look_up(&[Slot::standard(scope, *kind)]),
        };
        let mut outcomes: Vec<Outcome> = kinds.iter().map(outcome).collect();
        if meaning.spends == Spends::Shared {
            outcomes
                .extend(IN_FLIGHT.iter().map(outcome).filter(|(charge, _)| charge.quota_code().is_some()));
        }
        for (charge, _) in &mut outcomes {
            self.weigh(charge, scope);
        }
        outcomes
    }

    /// A token of a cross-region call spends half a token of a row that is doubled for such calls.
    fn weigh(&self, charge: &mut Charge, scope: Scope) {
        let quota = charge.quota_code().and_then(|code| self.listed(code));
        if scope == Scope::CrossRegion && quota.is_some_and(|q| names::parse(&q.name).doubled) {
            charge.weight = 0.5;
            charge.reason += "; the limit is doubled for cross-region calls, so their tokens count half";
        }
    }

    /// Puts the user's word for this one id above everything.
    fn pin(&self, id: &InvocationId, meaning: &Meaning, outcomes: &mut Vec<Outcome>) {
        let mantle = |kind: &QuotaKind| PER_MANTLE_CALL.contains(kind);
        for (kind, code) in self.join.rules.models.get(&*id.id).into_iter().flatten() {
            if mantle(kind) != (id.endpoint == Endpoint::Mantle) {
                continue;
            }
            let mut charge = match code {
                Some(code) => self.pinned(*kind, code),
                None => {
                    let model = meaning.model.as_deref().unwrap_or(&id.id).into();
                    let scope = meaning.scope.unwrap_or(Scope::OnDemand);
                    let reason = "the config's overrides say that it spends none".to_string();
                    let slot = Slot { endpoint: id.endpoint, ..Slot::standard(scope, *kind) };
                    Charge { method: Some(Method::Override), ..none(model, slot, reason) }
                }
            };
            self.weigh(&mut charge, meaning.scope.unwrap_or(Scope::OnDemand));
            let label = charge.quota.is_none().then_some(Unmapped::UnknownId);
            outcomes.retain(|(other, _)| other.kind != *kind);
            outcomes.push((charge, label));
        }
        outcomes.sort_by_key(|(charge, _)| charge.kind);
    }

    fn pinned(&self, kind: QuotaKind, code: &str) -> Charge {
        let row = self.quotas.iter().find(|q| *q.key.code == *code);
        match row {
            Some(row) if row.key.kind == kind => Charge {
                method: Some(Method::Override),
                reason: "the config's overrides say so".to_string(),
                ..found(row)
            },
            Some(row) => unknown(
                kind,
                format!("the config's overrides name {code}, but its name says {}", row.key.kind),
            ),
            None => match self.listed(code) {
                Some(quota) => {
                    unknown(kind, format!("the config's overrides name {code}, but that is “{}”", quota.name))
                }
                None => unknown(kind, format!("the config's overrides name {code}, which is not listed")),
            },
        }
    }
}

impl Charge {
    /// The code of the row, where there is one.
    pub fn quota_code(&self) -> Option<&str> {
        self.quota.as_ref().map(|key| &*key.code).filter(|code| !code.is_empty())
    }
}

/// What keeps an id without any quota from having one, or a partly matched one from having all; the most
/// telling first. Beside a quota that was found, the certain absence of another needs no reason.
fn worst(outcomes: &[Outcome]) -> Option<Unmapped> {
    let settled = |(charge, _): &Outcome| charge.quota_code().is_some() || charge.method.is_some();
    let partly = outcomes.iter().any(settled);
    let counts = |(charge, _): &&Outcome| !partly || charge.quota.is_none();
    let labels = || outcomes.iter().filter(counts).filter_map(|(_, label)| *label);
    let telling = [Unmapped::Ambiguous, Unmapped::IrregularName];
    telling.into_iter().find(|label| labels().any(|l| l == *label)).or_else(|| labels().next())
}

fn unknown(kind: QuotaKind, reason: String) -> Charge {
    Charge { kind, quota: None, weight: 1.0, state: State::Unknown, method: None, reason }
}

fn none(model: Arc<str>, slot: Slot, reason: String) -> Charge {
    let quota = Some(slot.key(&model, "".into()));
    Charge { kind: slot.kind, quota, weight: 1.0, state: State::NoSuchQuota, method: None, reason }
}

fn found(row: &ModelQuota) -> Charge {
    let (quota, method) = (Some(row.key.clone()), Some(row.method));
    Charge { kind: row.key.kind, quota, weight: 1.0, state: row.state, method, reason: String::new() }
}

/// The rows of one model, listed or not, and why it has no others.
struct Ledger<'a> {
    index: &'a Index,
    model: Cow<'a, Model>,
    rows: Cow<'a, [Arc<ModelQuota>]>,
    disputed: BTreeMap<Slot, Vec<usize>>,
    known: bool,
}

impl<'a> Ledger<'a> {
    fn new(index: &'a Index, id: &str, known: bool) -> Ledger<'a> {
        if let Some(model) = index.join.models.get(id) {
            let disputed = index.join.disputed.iter().filter(|((owner, _), _)| **owner == *id);
            let disputed = disputed.map(|((_, slot), rows)| (*slot, rows.clone())).collect();
            let rows = Cow::Borrowed(index.of_model(id));
            return Ledger { index, model: Cow::Borrowed(model), rows, disputed, known };
        }
        let model = Model::new(id, &index.lists);
        let (won, disputed) = index.join.of_unlisted(&model);
        let rows = index.valued(&won);
        let known = known || !rows.is_empty();
        Ledger { index, model: Cow::Owned(model), rows: Cow::Owned(rows), disputed, known }
    }

    /// The row in the first of `slots` that has one.
    fn look_up(&self, slots: &[Slot]) -> Outcome {
        let kind = slots[0].kind;
        let in_slot =
            |slot: &Slot| self.rows.iter().find(|q| slot_of(q) == *slot && !self.index.is_pinned(q));
        if let Some(row) = slots.iter().find_map(in_slot) {
            return (Charge { reason: self.why(row), ..found(row) }, None);
        }
        let doubt = slots.iter().find_map(|slot| self.dispute(slot)).or_else(|| self.irregular(slots));
        if let Some((reason, label)) = doubt {
            return (unknown(kind, reason), Some(label));
        }
        if self.index.listed.is_empty() {
            return (unknown(kind, "no quotas are listed".to_string()), Some(Unmapped::NoQuota));
        }
        if !self.known {
            let reason = format!("neither a list nor any quota name knows {}", self.model.id);
            return (unknown(kind, reason), Some(Unmapped::UnknownModel));
        }
        let slot = slots[slots.len() - 1];
        let pool = match (slot.endpoint, slot.variant) {
            (Endpoint::Mantle, _) => slot.endpoint.word(),
            (_, Variant::Standard) => slot.scope.word(),
            _ => slot.variant.word(),
        };
        let reason = format!("no {pool} row for {kind} names {}", self.model.id);
        (none(self.model.id.clone(), slot, reason), Some(Unmapped::NoQuota))
    }

    fn why(&self, row: &ModelQuota) -> String {
        let index = self.index;
        let read = index.join.rows.iter().find(|r| *r.code == *row.key.code);
        let evidence = read.and_then(|read| Some((read, self.model.evidence(read, &index.join.rules)?)));
        match evidence {
            Some((_, Evidence::Override)) | None => "the config's overrides say so".to_string(),
            Some((_, Evidence::UsageMetric)) => "the row's own UsageMetric names the model".to_string(),
            Some((_, Evidence::Spelled)) => "the quota name spells the model id".to_string(),
            Some((read, Evidence::Alias)) => {
                format!("reviewed alias: {}", read.alias_reason().unwrap_or_default())
            }
            Some((_, Evidence::LeftOut)) => {
                "the quota name spells the model id, less what AWS leaves out at random".to_string()
            }
            Some((_, Evidence::Named)) => "the quota name carries the model's listed name".to_string(),
        }
    }

    /// Rows that name this model and another alike, or that name it twice.
    fn dispute(&self, slot: &Slot) -> Option<(String, Unmapped)> {
        let index = self.index;
        let code = |at: &usize| &*index.join.rows[*at].code;
        if let Some(rows) = self.disputed.get(slot) {
            let codes: Vec<&str> = rows.iter().map(code).collect();
            return Some((format!("{} name it equally well", codes.join(" and ")), Unmapped::Ambiguous));
        }
        index.join.by_slot.get(slot)?.iter().find_map(|at| {
            self.model.evidence(&index.join.rows[*at], &index.join.rules)?;
            let code = code(at);
            Some(match &index.join.claims[*at] {
                Claim::Owned(owner, _) if *owner == self.model.id => {
                    let reason = format!("{code} carries its listed name, but other rows spell its id");
                    (reason, Unmapped::IrregularName)
                }
                Claim::Owned(owner, _) => {
                    let reason = format!("{code} answers to its name too, but {owner} has the better claim");
                    (reason, Unmapped::Ambiguous)
                }
                Claim::Contested(owners) => {
                    (format!("{code} names {} alike", owners.join(" and ")), Unmapped::Ambiguous)
                }
                Claim::Free => return None,
            })
        })
    }

    /// The row that is no one's and nearest to naming this model; where two are as near, both.
    fn irregular(&self, slots: &[Slot]) -> Option<(String, Unmapped)> {
        let mut found = self.nameless(slots);
        found.sort();
        found.dedup();
        let nearest = found.first()?.0;
        found.retain(|(distance, ..)| *distance == nearest);
        let reason = match &found[..] {
            [(_, code, name)] => {
                format!("{code} “{name}” may be its own, but the name does not say so; an override would")
            }
            several => {
                let rows: Vec<String> =
                    several.iter().map(|(_, code, name)| format!("{code} “{name}”")).collect();
                format!("any of {} may be its own; an override would say which", rows.join(", "))
            }
        };
        Some((reason, Unmapped::IrregularName))
    }

    /// Rows that may be of these slots and this model and are no one's, with how far their names are.
    fn nameless(&self, slots: &[Slot]) -> Vec<(usize, &str, &str)> {
        let join = &self.index.join;
        let ruled = |code: &str| join.rules.quotas.contains_key(code);
        let model = &self.model;
        let far = |row: &Identity| {
            let by_name = model.named.iter().filter(|_| !row.contradicts(&model.identity));
            let identities = [&model.identity].into_iter().chain(by_name).chain(&model.aliases);
            identities.filter_map(|identity| nearest::distance(row, identity, &join.vocabulary)).min()
        };
        let mut found = Vec::new();
        for at in slots.iter().filter_map(|slot| join.by_slot.get(slot)).flatten() {
            let row = &join.rows[*at];
            if join.claims[*at] == Claim::Free && !ruled(&row.code) {
                let identity = row.loose.as_ref().unwrap_or(&row.identity);
                found.extend(far(identity).map(|far| (far, &*row.code, &*row.name)));
            }
        }
        for row in join.unread.iter().filter(|row| slots.iter().any(|slot| row.may_limit(slot))) {
            let another_s = !row.spelled.is_empty() && !row.spelled.contains(&model.id);
            if !ruled(&row.code) && !another_s {
                found.extend(far(&row.identity).map(|far| (far, &*row.code, &*row.name)));
            }
        }
        found
    }
}

fn slot_of(quota: &ModelQuota) -> Slot {
    let QuotaKey { endpoint, scope, variant, kind, .. } = quota.key;
    Slot { endpoint, scope, variant, kind }
}
