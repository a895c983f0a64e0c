//! The configuration that is in force, as a config would have it: every default filled in, every secret left out.

use crate::config::Statistic;
use crate::config::kinds::duration_text;
use crate::exposition::ProjectName;
use crate::model::organization::Filter;
use crate::model::settings::Settings;
use crate::plan::{AccountPlan, AwsPlan, Credentials, OrganizationPlan, Plan, Regions, metrics};
use serde_json::{Map, Value, json};

/// What stands for a secret, as Prometheus writes it.
const SECRET: &str = "<secret>";

/// The plan as YAML; a key that has no default and was not given is left out.
pub fn yaml(plan: &Plan) -> String {
    let settings = &plan.settings;
    let mut accounts: Vec<Value> = plan.accounts.iter().map(account).collect();
    // A name and regions may still stand there; an entry without anything is the default.
    accounts.retain(|account| account.as_object().is_some_and(|account| !account.is_empty()));
    let all = json!({
        "accounts": accounts,
        "organization": plan.organization.as_ref().map(|found| organization(found, plan.discovery_interval)),
        "monitoring_account": plan.monitoring.as_ref().map(login),
        "usage": usage(plan),
        "quotas": {
            "interval": duration_text(settings.quotas_interval),
            "max_age": duration_text(settings.quotas_max_age),
            "export": plan.export.quotas.word(),
            "watch": plan.export.watch,
            "usage_metrics": settings.service_interval.is_some(),
        },
        "catalog": {
            "interval": duration_text(settings.catalog_interval),
            "max_age": duration_text(settings.catalog_max_age),
            "team_tag": plan.export.team_tag,
        },
        "budget": { "dollars_per_day": settings.budget },
        "scrape_interval": duration_text(settings.counter_hold / 2),
        "overrides": overrides(settings),
        "projects": projects(plan),
        "aws": aws(&plan.aws),
    });
    serde_yaml::to_string(&given(all)).unwrap_or_default()
}

/// Without what was not given.
fn given(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entries = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(entries.map(|(key, value)| (key, given(value))).collect())
        }
        other => other,
    }
}

fn account(plan: &AccountPlan) -> Value {
    let mut account = login(&plan.credentials);
    let entries = [
        ("name", json!(plan.name)),
        ("account_id", json!(plan.account_id)),
        ("regions", regions(&plan.regions)),
    ];
    account.extend(entries.map(|(key, value)| (key.to_string(), value)));
    given(Value::Object(account))
}

fn organization(plan: &OrganizationPlan, interval: u64) -> Value {
    let Filter { ous, tags, names, states, exclude } = &plan.filter;
    let mut organization = login(&plan.credentials);
    let states: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let entries = [
        ("assume_role", json!(plan.role)),
        ("external_id", json!(plan.external_id.as_ref().map(|_| SECRET))),
        ("include", json!({ "ous": some(ous), "tags": tags, "names": some(names), "states": states })),
        ("exclude", json!(exclude)),
        ("regions", regions(&plan.regions)),
        ("interval", json!(duration_text(interval))),
    ];
    organization.extend(entries.map(|(key, value)| (key.to_string(), value)));
    Value::Object(organization)
}

fn projects(plan: &Plan) -> Value {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let of = |(id, project): (&String, &ProjectName)| {
        (id.clone(), json!({ "name": given(&project.name), "team": given(&project.team) }))
    };
    Value::Object(plan.export.projects.iter().map(of).collect())
}

/// An external id is no password, but what its owner hands out to few.
fn login(credentials: &Credentials) -> Map<String, Value> {
    let entries = match credentials {
        Credentials::Default => Vec::new(),
        Credentials::Role { arn, external_id } => {
            vec![("role_arn", json!(arn)), ("external_id", json!(external_id.as_ref().map(|_| SECRET)))]
        }
        Credentials::Profile(profile) => vec![("profile", json!(profile))],
    };
    entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

/// `null` where the SDK finds its own.
fn regions(regions: &Regions) -> Value {
    match regions {
        Regions::List(list) if list.is_empty() => Value::Null,
        Regions::List(list) => json!(list),
        Regions::AllEnabled => json!("all_enabled"),
    }
}

fn usage(plan: &Plan) -> Value {
    let settings = &plan.settings;
    let read = |statistic: &&Statistic| settings.statistics.contains(&metrics(**statistic)[0]);
    let latency: Vec<&str> = Statistic::ALL.iter().filter(read).map(|statistic| statistic.word()).collect();
    let cadence = settings.cadence;
    json!({
        "interval": duration_text(settings.usage_interval),
        "cadence": if cadence.is_some() { "adaptive" } else { "fixed" },
        "hot_ratio": cadence.map(|cadence| cadence.hot_ratio),
        "normal_interval": cadence.map(|cadence| duration_text(cadence.normal_interval)),
        "idle_interval": cadence.map(|cadence| duration_text(cadence.idle_interval)),
        "idle_after": cadence.map(|cadence| duration_text(cadence.idle_after)),
        "discovery_interval": duration_text(settings.discovery_interval),
        "max_age": duration_text(settings.usage_max_age),
        "delay": duration_text(settings.delay),
        "settle": duration_text(settings.settle),
        "lookback": duration_text(settings.lookback_minutes as u64 * 60),
        "thresholds": settings.thresholds,
        "latency": latency,
        "gauges": plan.export.gauges,
        "tiers_and_projects": settings.parts,
    })
}

fn overrides(settings: &Settings) -> Value {
    let or_none = |code: &Option<String>| code.clone().unwrap_or_else(|| "none".to_string());
    let models = settings.rules.models.iter().map(|(id, kinds)| {
        let kinds = kinds.iter().map(|(kind, code)| (kind.word().to_string(), json!(or_none(code))));
        (id.clone(), Value::Object(kinds.collect()))
    });
    let quotas = settings.rules.quotas.iter().map(|(code, model)| (code.clone(), json!(or_none(model))));
    json!({
        "models": Value::Object(models.collect()),
        "quotas": Value::Object(quotas.collect()),
        "burndown": settings.burndown,
    })
}

fn aws(plan: &AwsPlan) -> Value {
    json!({
        "endpoint_url": plan.endpoint_url,
        "endpoints": {
            "cloudwatch": plan.cloudwatch_url,
            "servicequotas": plan.servicequotas_url,
            "bedrock": plan.bedrock_url,
            "sts": plan.sts_url,
            "organizations": plan.organizations_url,
            "account": plan.account_url,
            "oam": plan.oam_url,
        },
        "sts_region": plan.sts_region,
        "session_name": plan.session_name,
        "session_duration": plan.session_duration.map(|duration| duration_text(duration.as_secs())),
        "session_tags": plan.session_tags,
        "connect_timeout": duration_text(plan.connect_timeout.as_secs()),
        "attempt_timeout": duration_text(plan.attempt_timeout.as_secs()),
        "operation_timeout": duration_text(plan.operation_timeout.as_secs()),
        "max_attempts": plan.max_attempts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::plan::plan;

    fn planned(text: &str) -> Plan {
        plan(&config::parse("test", text)).unwrap_or_else(|complaints| panic!("{complaints}\n{text}"))
    }

    #[test]
    fn what_is_shown_is_a_config_that_means_the_same() {
        let everything = "\
            accounts: [{name: a, role_arn: 'arn:aws:iam::111122223333:role/r', regions: [us-east-1]},\n  \
              {profile: p, account_id: '444455556666', regions: all_enabled}]\n\
            organization: {assume_role: reader, include: {ous: [ou-ab12-34cd56ef], tags: {bedrock: 'true'}, \
              names: ['prod-*'], states: [ACTIVE]}, exclude: ['444455556666'], regions: [eu-west-1], interval: 2h}\n\
            monitoring_account: {}\n\
            usage: {interval: 2m, hot_ratio: 0.7, normal_interval: 6m, idle_interval: 20m, idle_after: 2h, \
              discovery_interval: 6m, max_age: 20m, delay: 3m, settle: 5m, lookback: 30m, thresholds: [0.5], \
              latency: [p90, average], gauges: false}\n\
            quotas: {interval: 20m, max_age: 2d, export: in_use, watch: [L-254CACF4]}\n\
            catalog: {interval: 2h, max_age: 2d, team_tag: team}\n\
            projects: {proj_abc123: {name: checkout, team: payments}, default: {team: platform}}\n\
            budget: {dollars_per_day: 5}\n\
            scrape_interval: 30s\n\
            overrides: {models: {a.b: {tokens_per_day: none}}, quotas: {L-254CACF4: a.b}, burndown: {a.b: 5}}\n\
            aws: {endpoint_url: 'http://127.0.0.1:1', endpoints: {sts: 'http://127.0.0.1:2'}, connect_timeout: 4s, \
              attempt_timeout: 16s, operation_timeout: 46s, max_attempts: 4, sts_region: eu-west-1, session_name: quotas, \
              session_duration: 30m, session_tags: {team: platform}}\n";
        for text in ["", "usage: {cadence: fixed}\n", everything] {
            let plan = planned(text);
            let shown = yaml(&plan);
            assert_eq!(planned(&shown), plan, "{shown}");
        }
        let shown = yaml(&planned(""));
        assert!(shown.contains("idle_interval: 15m") && shown.contains("max_attempts: 3"), "{shown}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = yaml(&planned(
            "accounts: [{role_arn: 'arn:aws:iam::111122223333:role/r', external_id: hush-hush}]\n\
             organization: {assume_role: reader, external_id: hush-too}\n",
        ));
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(shown.matches(SECRET).count(), 2, "{shown}");
    }
}
