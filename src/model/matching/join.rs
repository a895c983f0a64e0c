//! The join by names alone. It holds no value, so that all targets whose lists name the same share one.

use super::claims::{Claim, Evidence, Model, Row, claims, settle};
use super::invocation::Lists;
use super::names::Slot;
use super::resolution::{QuotaKey, Rules};
use super::unread::UnreadRow;
use super::vocabulary::Vocabulary;
use crate::model::ids::Method;
use crate::model::quota::ServiceQuota;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A row that belongs to a model, and how that was found.
type Won = (QuotaKey, Method);

/// Which rows are whose, and why others are nobody's.
#[derive(Clone, Debug, Default)]
pub(super) struct Join {
    pub rules: Rules,
    /// What it was made of; of the rows only the names.
    listed: Vec<Arc<ServiceQuota>>,
    lists: Arc<Lists>,
    pub rows: Vec<Row>,
    /// Those whose names the grammar does not read.
    pub unread: Vec<UnreadRow>,
    pub vocabulary: Vocabulary,
    pub claims: Vec<Claim>,
    /// The rows that belong to a listed model.
    pub won: Vec<Won>,
    /// Rows that name a listed model equally well in one slot.
    pub disputed: BTreeMap<(Arc<str>, Slot), Vec<usize>>,
    by_words: HashMap<String, Vec<usize>>,
    pub by_slot: HashMap<Slot, Vec<usize>>,
    pub models: BTreeMap<Arc<str>, Model>,
}

impl Join {
    /// `listed`: every row, sorted by code. `ids`: see [`Join::ids`].
    pub(super) fn new(
        listed: &[Arc<ServiceQuota>],
        lists: &Arc<Lists>,
        ids: &BTreeSet<String>,
        rules: &Rules,
    ) -> Join {
        let models = ids.iter().map(|id| Model::new(id, lists)).map(|model| (model.id.clone(), model));
        let models: BTreeMap<Arc<str>, Model> = models.collect();
        let mut rows = Row::all(listed, &lists.providers);
        let mut unread = UnreadRow::all(listed, &lists.providers);
        for row in &mut unread {
            let spelled = models.values().filter(|model| row.identity.spells(&model.identity));
            row.spelled = spelled.map(|model| model.id.clone()).collect();
        }
        let vocabulary = Vocabulary::new(models.values());
        let claims = claims(&rows, &models, rules);
        for (row, _) in rows.iter_mut().zip(&claims).filter(|(_, claim)| **claim == Claim::Free) {
            row.loosen(&lists.providers);
        }
        let (listed, lists, rules) = (listed.to_vec(), lists.clone(), rules.clone());
        let mut join =
            Join { rules, listed, lists, rows, unread, vocabulary, claims, models, ..Join::default() };
        for (at, row) in join.rows.iter().enumerate() {
            join.by_words.entry(row.identity.key()).or_default().push(at);
            join.by_slot.entry(row.slot).or_default().push(at);
        }
        join.settle();
        join
    }

    /// The models that rows may belong to: those listed, and those the user's rules tell of.
    pub(super) fn ids(lists: &Lists, rules: &Rules) -> BTreeSet<String> {
        let told = rules.quotas.values().flatten().cloned();
        let told = told.chain(rules.models.keys().filter_map(|id| lists.runtime(id).model));
        lists.models.keys().cloned().chain(told).collect()
    }

    /// Whether [`Join::new`] would make the same of these.
    pub(super) fn serves(
        &self,
        listed: &[Arc<ServiceQuota>],
        lists: &Lists,
        ids: &BTreeSet<String>,
        rules: &Rules,
    ) -> bool {
        let same = |(a, b): (&Arc<ServiceQuota>, &Arc<ServiceQuota>)| {
            Arc::ptr_eq(a, b) || (&a.code, &a.name, &a.usage_metric) == (&b.code, &b.name, &b.usage_metric)
        };
        self.rules == *rules
            && self.listed.len() == listed.len()
            && self.models.keys().map(|id| &**id).eq(ids.iter().map(String::as_str))
            && self.lists.models == lists.models
            && self.lists.providers == lists.providers
            && self.listed.iter().zip(listed).all(same)
    }

    fn settle(&mut self) {
        let mut claimed: BTreeMap<Arc<str>, Vec<(usize, Evidence)>> = BTreeMap::new();
        for (at, claim) in self.claims.iter().enumerate() {
            if let Claim::Owned(model, evidence) = claim
                && self.models.contains_key(model)
            {
                claimed.entry(model.clone()).or_default().push((at, *evidence));
            }
        }
        for (model, rows) in claimed {
            let settled = settle(&self.rows, &rows);
            let won = settled.won.iter().map(|(at, evidence)| self.key(&model, *at, *evidence));
            let won: Vec<Won> = won.collect();
            self.won.extend(won);
            self.disputed.extend(settled.disputed.into_iter().map(|(slot, at)| ((model.clone(), slot), at)));
        }
    }

    fn key(&self, model: &Arc<str>, row: usize, evidence: Evidence) -> Won {
        let Row { code, slot, .. } = &self.rows[row];
        (slot.key(model, code.clone()), evidence.method())
    }

    /// The rows of a model that is not listed, read off its id, and those that name it equally well.
    pub(super) fn of_unlisted(&self, model: &Model) -> (Vec<Won>, BTreeMap<Slot, Vec<usize>>) {
        let settled = settle(&self.rows, &self.unlisted_claims(model));
        let won = settled.won.iter().map(|(at, evidence)| self.key(&model.id, *at, *evidence));
        (won.collect(), settled.disputed)
    }

    /// Rows that no listed model has, and that name this one.
    fn unlisted_claims(&self, model: &Model) -> Vec<(usize, Evidence)> {
        let by_words = model.keys().into_iter().filter_map(|key| self.by_words.get(&key)).flatten().copied();
        let aliased = self.claims.iter().enumerate().filter_map(|(at, claim)| match claim {
            Claim::Owned(owner, _) if *owner == model.id => Some(at),
            _ => None,
        });
        let mut rows: Vec<usize> =
            by_words.filter(|at| self.claims[*at] == Claim::Free).chain(aliased).collect();
        rows.sort();
        rows.dedup();
        rows.into_iter().filter_map(|at| Some((at, model.evidence(&self.rows[at], &self.rules)?))).collect()
    }
}
