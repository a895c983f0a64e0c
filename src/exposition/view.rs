//! One target as the families see it: what is exported of it, picked out once for all of them.

use super::export::{Export, QuotaExport};
use super::text::label;
use crate::model::arn::Arn;
use crate::model::catalog::{BatchJob, Catalog, FoundationModel, ProvisionedThroughput};
use crate::model::evaluation::{Evaluation, IdStatus, QuotaStatus, ServiceStatus};
use crate::model::ids::{Endpoint, QuotaKind, Scope, State, Variant};
use crate::model::matching::{self, Family, Index, Resolution};
use crate::model::parts::project_arn;
use crate::model::quota::{IncreaseRequest, ServiceQuota};
use crate::model::snapshot::Snapshot;
use crate::model::state::TargetState;
use crate::model::usage::InvocationId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The label of a model, scope or value that is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// Whose calls nobody's tag or project explains.
pub(super) const UNATTRIBUTED: &str = "unattributed";

pub(super) struct View<'a> {
    pub(super) export: &'a Export,
    /// `account_id="…",region="…"`.
    pub(super) labels: String,
    /// Id and name, at the first target of each account.
    pub(super) account: Option<(&'a str, &'a str)>,
    pub(super) state: &'a TargetState,
    pub(super) evaluation: &'a Evaluation,
    /// Model quotas, spent or with room.
    pub(super) quotas: Vec<&'a QuotaStatus>,
    /// Those of them whose use is held against the limit: the others have usage 0, and nothing else to tell.
    pub(super) spent: Vec<&'a QuotaStatus>,
    pub(super) inventory: Vec<&'a ServiceQuota>,
    pub(super) service: Vec<&'a ServiceStatus>,
    /// Of each quota code and status the newest.
    pub(super) requests: Vec<&'a IncreaseRequest>,
    pub(super) unmapped: BTreeSet<(&'a str, &'static str)>,
    /// Models and provisioned throughputs by id.
    pub(super) models: BTreeMap<&'a str, &'a FoundationModel>,
    pub(super) provisioned: BTreeMap<&'a str, &'a ProvisionedThroughput>,
    /// Counted by model and status.
    pub(super) jobs: BTreeMap<(Arc<str>, &'a str), usize>,
}

/// The views of all targets, sorted.
pub(super) fn views<'a>(snapshot: &'a Snapshot, export: &'a Export) -> Vec<View<'a>> {
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (target, state) in &snapshot.targets {
        let models = used.entry(&target.account_id).or_default();
        models.extend(state.evaluation.models_in_use.iter().map(|model| &**model));
    }
    let mut views: Vec<View<'a>> = Vec::with_capacity(snapshot.targets.len());
    for (target, state) in &snapshot.targets {
        let account = &*target.account_id;
        let mut view = View::new(state, &used[account], export);
        if views.last().is_none_or(|last| last.state.target.account_id != target.account_id) {
            let name = export.account_names.get(account).filter(|name| !name.is_empty());
            view.account = Some((account, name.map_or(account, |name| name)));
        }
        views.push(view);
    }
    views
}

/// Which quotas and models of a target are exported.
struct Selection<'a> {
    export: &'a Export,
    /// Models that the account uses.
    used: &'a BTreeSet<&'a str>,
    /// Codes of quotas with an open increase request.
    requested: BTreeSet<&'a str>,
}

impl Selection<'_> {
    fn all(&self) -> bool {
        self.export.quotas == QuotaExport::All
    }

    fn row(&self, code: &str, applied: Option<f64>, default: Option<f64>) -> bool {
        self.all()
            || self.requested.contains(code)
            || self.export.watch.contains(code)
            || applied.zip(default).is_some_and(|(applied, default)| applied != default)
    }

    fn quota(&self, status: &QuotaStatus) -> bool {
        let quota = &status.quota;
        if status.state == State::NoSuchQuota && quota.key.kind == QuotaKind::TokensPerDay {
            // AWS has taken the day's rows of nearly all models away: no one's state, but the usual one.
            return self.all();
        }
        // Calls have no room in what custom deployments may spend, and long contexts cannot be told from others.
        let has_room = quota.key.variant == Variant::Standard;
        status.is_spent
            || has_room && self.used.contains(&*quota.key.model)
            || self.row(&quota.key.code, quota.limit, quota.default)
    }

    /// Quotas of models have families of their own, and an open request its name from here.
    fn inventory(&self, row: &ServiceQuota, of_models: &BTreeSet<&str>) -> bool {
        let chosen =
            self.all() || self.requested.contains(&*row.code) || self.export.watch.contains(&row.code);
        chosen
            || matching::family(&row.name) == Family::CrossModelTokensPerDay
            || !of_models.contains(&*row.code) && self.row(&row.code, row.limit(), row.default)
    }
}

impl Selection<'_> {
    fn service(&self, status: &ServiceStatus) -> bool {
        status.peak > Some(0.0) || self.row(&status.row.code, status.row.limit(), status.row.default)
    }
}

impl<'a> View<'a> {
    fn new(state: &'a TargetState, used: &BTreeSet<&str>, export: &'a Export) -> View<'a> {
        let evaluation = &*state.evaluation;
        let requests = newest(state.quotas.iter().flat_map(|read| read.value.requests.iter().flatten()));
        let requested = requests.iter().map(|request| &*request.quota_code).collect();
        let selection = Selection { export, used, requested };
        let quotas: Vec<_> = evaluation
            .quotas
            .iter()
            .map(|status| &**status)
            .filter(|status| selection.quota(status))
            .collect();
        let service: Vec<_> = evaluation.service.iter().filter(|status| selection.service(status)).collect();
        let measured: BTreeSet<_> = service.iter().map(|status| status.row.code.as_str()).collect();
        let is_held =
            |status: &&&QuotaStatus| selection.all() || status.is_spent && status.state != State::NoSuchQuota;
        let spent = quotas.iter().filter(is_held).copied().collect();
        let of_models = evaluation.quotas.iter().map(|status| &*status.quota.key.code).collect();
        let rows = state.quotas.iter().flat_map(|read| &read.value.quotas);
        let is_shown =
            |row: &&Arc<ServiceQuota>| measured.contains(&*row.code) || selection.inventory(row, &of_models);
        let inventory = rows.filter(is_shown).map(|row| &**row).collect();
        let shown = |id: &str| selection.all() || used.contains(id);
        let catalog = state.catalog.as_ref().map(|read| &*read.value);
        let models = catalog.iter().flat_map(|catalog| catalog.models.iter().flatten());
        let provisioned = catalog.iter().flat_map(|catalog| catalog.provisioned.iter().flatten());
        View {
            export,
            labels: labels(state),
            account: None,
            state,
            evaluation,
            inventory,
            service,
            requests,
            unmapped: evaluation.unmapped.iter().map(|(id, reason)| (&*id.id, reason.word())).collect(),
            models: models.filter(|model| shown(&model.id)).map(|model| (&*model.id, &**model)).collect(),
            provisioned: provisioned.map(|provisioned| (provisioned.id(), provisioned)).collect(),
            jobs: catalog.map(|catalog| jobs(catalog, &state.memory.index)).unwrap_or_default(),
            quotas,
            spent,
        }
    }

    /// Whether series are published that another one already says.
    pub(super) fn says_all(&self) -> bool {
        self.export.quotas == QuotaExport::All
    }

    /// Whether the name of a quota is published: of one that somebody spends, or of which somebody may ask why.
    pub(super) fn is_named(&self, status: &QuotaStatus) -> bool {
        self.says_all() || status.is_spent || status.quota.default != status.quota.limit
    }

    /// What a project is called, and its team: as the config says, or the tag of a project of the runtime endpoint.
    pub(super) fn project(&self, endpoint: Endpoint, id: Option<&str>) -> (&'a str, &'a str) {
        let Some(id) = id else { return ("", UNATTRIBUTED) };
        let given = self.export.projects.get(id);
        let tags = self.state.catalog.as_ref().and_then(|catalog| catalog.value.tags.as_ref());
        let tagged = || {
            let arn = project_arn(&self.state.target, id).filter(|_| endpoint == Endpoint::Runtime)?;
            tags?.get(&arn)?.get(self.export.team_tag.as_ref()?).map(String::as_str)
        };
        let team = given.map(|project| &*project.team).filter(|team| !team.is_empty()).or_else(tagged);
        let team = team.filter(|team| !team.is_empty()).unwrap_or(UNATTRIBUTED);
        (given.map_or("", |project| &project.name), team)
    }

    /// The value of the label `team`.
    pub(super) fn team(&self, id: &'a IdStatus) -> &'a str {
        let key = self.export.team_tag.as_ref();
        let team = key.and_then(|key| id.resolution.tags.get(key)).filter(|team| !team.is_empty());
        team.map_or(UNATTRIBUTED, |team| team)
    }
}

fn labels(state: &TargetState) -> String {
    let mut labels = Vec::new();
    label(&mut labels, "account_id", &state.target.account_id);
    labels.push(b',');
    label(&mut labels, "region", &state.target.region);
    String::from_utf8(labels).expect("made of strings and ASCII")
}

fn newest<'a>(requests: impl Iterator<Item = &'a IncreaseRequest>) -> Vec<&'a IncreaseRequest> {
    let mut newest: BTreeMap<(&str, &str), &IncreaseRequest> = BTreeMap::new();
    for request in requests {
        let kept = newest.entry((&request.quota_code, &request.status)).or_insert(request);
        if request.created > kept.created {
            *kept = request;
        }
    }
    newest.into_values().collect()
}

/// Jobs by base model and status. A job that went from one status to the next between two listings is in both.
fn jobs<'a>(catalog: &'a Catalog, index: &Index) -> BTreeMap<(Arc<str>, &'a str), usize> {
    let all = catalog.batch_jobs.iter().flatten();
    let by_arn: BTreeMap<&str, &BatchJob> = all.map(|job| (&*job.arn, job)).collect();
    let mut jobs = BTreeMap::new();
    for job in by_arn.into_values() {
        *jobs.entry((job_model(index, &job.model_id), &*job.status)).or_default() += 1;
    }
    jobs
}

/// The base model of what a batch job was submitted for, found as for the quota that counts the job.
fn job_model(index: &Index, given: &str) -> Arc<str> {
    // No quota counts the jobs of a custom model, but its ARN says what it was made of.
    let custom = base_model(given).map(Arc::from);
    let model = custom.or_else(|| index.resolve(&InvocationId::runtime(given)).model);
    model.unwrap_or_else(|| UNKNOWN.into())
}

/// The labels that tell an invocation id: endpoint, model_id, model, scope.
pub(super) fn id_labels(id: &IdStatus) -> [&str; 4] {
    labels_of(&id.id, &id.resolution)
}

pub(super) fn labels_of<'a>(id: &'a InvocationId, resolution: &'a Resolution) -> [&'a str; 4] {
    let model = resolution.model.as_deref().unwrap_or(UNKNOWN);
    let scope = resolution.scope.map_or(UNKNOWN, Scope::word);
    [id.endpoint.word(), &id.id, model, scope]
}

/// The base model id in the ARN of a foundation model or of a custom model.
pub(super) fn base_model(arn: &str) -> Option<&str> {
    let arn = Arn::parse(arn).filter(|arn| ["foundation-model", "custom-model"].contains(&arn.kind()))?;
    // Every model id begins with its provider; `custom-model/imported/…` names no base model.
    arn.id().split('/').next().filter(|model| model.contains('.'))
}
