//! What the user is told about a config: bad files and their exact messages, and the shipped example.

use bedrock_quota_exporter::cli::Cli;
use bedrock_quota_exporter::config::{self, Config};
use bedrock_quota_exporter::plan::plan;
use clap::CommandFactory;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config")
}

fn complaints(file: &str) -> String {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    plan(&config::parse(file, &text)).expect_err(file).to_string()
}

/// Each file of tests/it/config, and everything that is said about it.
const BAD: &[(&str, &str)] = &[
    (
        "alias.yaml",
        r#"
alias.yaml:3: found an alias, expected plain YAML without it
"#,
    ),
    (
        "contradictions.yaml",
        r#"
contradictions.yaml:1: regions[1]: found eu-west-1 again, expected each once
contradictions.yaml:4: accounts[0].profile: found beside role_arn, expected only one of the two
contradictions.yaml:5: accounts[1].external_id: found without role_arn, expected beside it
contradictions.yaml:6: accounts[1].regions: found an empty list, expected at least one region
contradictions.yaml:8: usage.max_age: found 15m (the default), expected at least 20m: twice usage.interval
contradictions.yaml:9: usage.settle: found 4m (the default), expected at least 5m: usage.delay
contradictions.yaml:10: usage.thresholds[2]: found 0.9 again, expected each once
contradictions.yaml:11: usage.latency[1]: found p50 again, expected each once
contradictions.yaml:14: quotas.max_age: found 90m, expected at least 2h: twice quotas.interval
contradictions.yaml:17: aws: found connect 20s, attempt 15s, operation 10s, expected connect_timeout <= attempt_timeout <= operation_timeout
"#,
    ),
    (
        "duplicate-keys.yaml",
        r#"
duplicate-keys.yaml:3: usage.interval: given twice, first in line 2
duplicate-keys.yaml:5: usage: given twice, first in line 1
duplicate-keys.yaml:10: overrides.burndown.amazon.nova-pro-v1:0: given twice, first in line 9
"#,
    ),
    (
        "partitions.yaml",
        r#"
partitions.yaml:3: accounts[0].role_arn: found a role of the partition aws, expected one of aws-us-gov, where us-gov-west-1 is
partitions.yaml:6: accounts[2].role_arn: found a role of the partition aws-cn, expected one of aws, where eu-west-1 is
partitions.yaml:9: monitoring_account.role_arn: found a role of the partition aws-cn, expected one of aws, where us-east-1 is
partitions.yaml:11: aws.sts_region: found eu-west-1 of the partition aws, expected one of aws-us-gov, as accounts[1].role_arn
"#,
    ),
    (
        "key-not-a-word.yaml",
        r#"
key-not-a-word.yaml:1: found a key that is not a word, expected plain YAML without it
"#,
    ),
    (
        "list.yaml",
        r#"
list.yaml:1: found a list, expected a mapping of keys to values
"#,
    ),
    (
        "monitoring-account.yaml",
        r#"
monitoring-account.yaml:3: monitoring_account.account: unknown key, expected one of external_id, profile, role_arn
monitoring-account.yaml:4: monitoring_account.external_id: found without role_arn, expected beside it
monitoring-account.yaml:7: aws.endpoints.oam: found "localhost", expected a URL such as http://127.0.0.1:10470
"#,
    ),
    (
        "not-yaml.yaml",
        r#"
not-yaml.yaml:3: not YAML: while parsing a block mapping, did not find expected key
"#,
    ),
    (
        "organization.yaml",
        r#"
organization.yaml:1: organization.assume_role: found none, expected the name of a role, such as bedrock-quota-exporter
organization.yaml:2: organization.role: unknown key, expected one of assume_role, exclude, external_id, include, interval, profile, regions, role_arn
organization.yaml:4: organization.profile: found beside role_arn, expected only one of the two
organization.yaml:6: organization.include.ous[0]: found "ou-ab12", expected the id of an organizational unit such as ou-ab12-34cd56ef, or of a root such as r-ab12
organization.yaml:6: organization.include.ous[2]: found ou-ab12-34cd56ef again, expected each once
organization.yaml:7: organization.include.tags.bedrock: found a list, expected a text
organization.yaml:8: organization.include.names: found an empty list, expected at least one name
organization.yaml:9: organization.include.states[0]: found "active", expected PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED
organization.yaml:10: organization.include.accounts: unknown key, expected one of names, ous, states, tags
organization.yaml:11: organization.exclude[0]: found "1111", expected the 12 digits of an account id
organization.yaml:12: organization.regions: found an empty list, expected at least one region
organization.yaml:13: organization.interval: found "5s", expected a duration from 10s to 1d, such as 15m or 1h
"#,
    ),
    (
        "organization-role.yaml",
        r#"
organization-role.yaml:3: organization.assume_role: found "arn:aws:iam::111122223333:role/reader", expected the name of a role, such as bedrock-quota-exporter
"#,
    ),
    (
        "same-target-twice.yaml",
        r#"
same-target-twice.yaml:5: accounts[1]: found account 111122223333 in us-east-1 again, expected only one entry for it, as accounts[0] is
same-target-twice.yaml:8: accounts[4]: found the account of the current credentials in us-east-1 again, expected only one entry for it, as accounts[3] is
same-target-twice.yaml:10: accounts[5]: found account 444455556666 in all enabled regions again, expected only one entry for it, as accounts[2] is
"#,
    ),
    (
        "tag.yaml",
        r#"
tag.yaml:2: found a tag, expected plain YAML without it
"#,
    ),
    (
        "two-documents.yaml",
        r#"
two-documents.yaml:2: found a second document, expected plain YAML without it
"#,
    ),
    (
        "unknown-keys.yaml",
        r#"
unknown-keys.yaml:1: region: unknown key, did you mean regions?
unknown-keys.yaml:3: usage.intervall: unknown key, did you mean interval?
unknown-keys.yaml:4: usage.poll: unknown key, expected one of cadence, delay, discovery_interval, gauges, hot_ratio, idle_after, idle_interval, interval, latency, lookback, max_age, normal_interval, settle, thresholds, tiers_and_projects
unknown-keys.yaml:7: accounts[0].rolearn: unknown key, did you mean role_arn?
unknown-keys.yaml:11: overrides.models.us.anthropic.claude-sonnet-4-5-20250929-v1:0.request_per_minute: unknown key, did you mean requests_per_minute?
unknown-keys.yaml:12: billing: unknown key, expected one of accounts, aws, budget, catalog, monitoring_account, organization, overrides, quotas, regions, scrape_interval, usage
"#,
    ),
    (
        "wrong-durations.yaml",
        r#"
wrong-durations.yaml:1: scrape_interval: found "0s", expected a duration from 1s to 1h, such as 15s or 1m
wrong-durations.yaml:3: usage.interval: found "60", expected a duration from 10s to 1d, such as 90s, 15m or 1h30m
wrong-durations.yaml:4: usage.discovery_interval: found "5 minutes", expected a duration from 10s to 1d, such as 90s, 15m or 1h30m
wrong-durations.yaml:5: usage.delay: found "30s", expected a duration from 1m to 1h, such as 120s or 2m
wrong-durations.yaml:6: usage.lookback: found "90s", expected whole minutes from 1m to 3h, such as 15m
wrong-durations.yaml:7: usage.max_age: found "1m30", expected a duration from 1m to 15d, such as 15m or 24h
wrong-durations.yaml:9: quotas.interval: found "5s", expected a duration from 10s to 1d, such as 90s, 15m or 1h30m
wrong-durations.yaml:11: aws.attempt_timeout: found "1h", expected a duration from 1s to 5m, such as 5s or 1m
wrong-durations.yaml:12: aws.operation_timeout: found "99999999999999999999s", expected a duration from 1s to 5m, such as 5s or 1m
"#,
    ),
    (
        "wrong-types.yaml",
        r#"
wrong-types.yaml:1: regions: found "us-east-1", expected a list, or all_enabled
wrong-types.yaml:2: accounts: found a mapping, expected a list
wrong-types.yaml:5: usage.interval: found a list, expected a duration from 10s to 1d, such as 90s, 15m or 1h30m
wrong-types.yaml:6: usage.thresholds[0]: found "high", expected a ratio above 0 and up to 10, such as 0.9
wrong-types.yaml:7: usage.latency[1]: found "p95", expected p50, p90, p99, average or maximum
wrong-types.yaml:8: usage.gauges: found "yes", expected true or false
wrong-types.yaml:9: quotas: found "in_use", expected a mapping of keys to values
wrong-types.yaml:11: catalog.team_tag: found a mapping, expected a text
wrong-types.yaml:13: aws.max_attempts: found "2.5", expected a whole number from 1 to 10
"#,
    ),
    (
        "wrong-words.yaml",
        r#"
wrong-words.yaml:1: regions[0]: found "us-east", expected a region such as us-east-1
wrong-words.yaml:1: regions[1]: found "US-EAST-1", expected a region such as us-east-1
wrong-words.yaml:3: accounts[0].role_arn: found "arn:aws:iam::12345:role/reader", expected the ARN of a role, such as arn:aws:iam::111122223333:role/bedrock-quota-exporter
wrong-words.yaml:4: accounts[1].role_arn: found "arn:aws:iam::111122223333:user/reader", expected the ARN of a role, such as arn:aws:iam::111122223333:role/bedrock-quota-exporter
wrong-words.yaml:6: usage.thresholds[0]: found "0", expected a ratio above 0 and up to 10, such as 0.9
wrong-words.yaml:6: usage.thresholds[1]: found "-1", expected a ratio above 0 and up to 10, such as 0.9
wrong-words.yaml:6: usage.thresholds[2]: found "90", expected a ratio above 0 and up to 10, such as 0.9
wrong-words.yaml:6: usage.thresholds[3]: found "nan", expected a ratio above 0 and up to 10, such as 0.9
wrong-words.yaml:8: quotas.export: found "used", expected all or in_use
wrong-words.yaml:9: quotas.watch[0]: found "L-254cacf4", expected a quota code such as L-254CACF4
wrong-words.yaml:13: overrides.models.amazon.nova-pro-v1:0.requests_per_minute: found "unlimited", expected a quota code such as L-254CACF4, or none
wrong-words.yaml:15: overrides.quotas.Claude: found "Claude", expected a quota code such as L-254CACF4
wrong-words.yaml:16: overrides.quotas.L-254CACF4: found "claude opus", expected a base model id such as amazon.nova-pro-v1:0, or none
wrong-words.yaml:18: overrides.burndown.anthropic.claude-opus-5: found "0", expected a number above 0 and up to 1000, such as 5
wrong-words.yaml:20: aws.endpoint_url: found "localhost:4566", expected a URL such as http://127.0.0.1:10470
wrong-words.yaml:22: aws.endpoints.sts: found "http://:4566", expected a URL such as http://127.0.0.1:10470
"#,
    ),
];

#[test]
fn every_complaint_about_a_bad_file_at_once() {
    for (file, expected) in BAD {
        assert_eq!(complaints(file), expected.trim());
    }
    assert_eq!(std::fs::read_dir(folder()).unwrap().count(), BAD.len(), "a file that is in no row");
}

#[test]
fn the_shipped_example_says_what_holds_without_a_config() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.yaml");
    let example = plan(&config::load(Some(&example)).unwrap()).unwrap();
    assert_eq!(example, plan(&Config::default()).unwrap());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let refused = |path: &Path| config::load(Some(path)).unwrap_err().to_string();
    assert_eq!(
        refused(Path::new("no/such.yaml")),
        "no/such.yaml: cannot be read: No such file or directory (os error 2)"
    );
    let folder = folder();
    assert!(refused(&folder).starts_with(&format!("{}: cannot be read: ", folder.display())));
}

#[test]
fn the_documentation_names_every_key_and_every_flag() {
    let documentation = include_str!("../../docs/CONFIGURATION.md");
    for line in include_str!("../../config.example.yaml").lines() {
        let line = line.trim_start_matches(['#', ' ', '-']);
        let Some((key, rest)) = line.split_once(':') else { continue };
        if (rest.is_empty() || rest.starts_with(' '))
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let named = [format!("`{key}`"), format!(".{key}`"), format!("`{key}.")];
            assert!(named.iter().any(|name| documentation.contains(name)), "{key}");
        }
    }
    let cli = Cli::command();
    for argument in cli.get_subcommands().chain([&cli]).flat_map(|command| command.get_arguments()) {
        let (Some(flag), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let row = format!("| `--{flag}` | `{}` |", variable.to_str().unwrap());
        assert!(documentation.contains(&row), "{row}");
    }
}

proptest! {
    /// The example with lines cut out, doubled and spoilt: refused or planned, never a panic; and every
    /// complaint names a line of the text.
    #[test]
    fn no_text_makes_it_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[-#:{}\\[\\]&*!|> a-z0-9\"'\n\t]{0,6}", any::<bool>()), 0..8)
    ) {
        let example = include_str!("../../config.example.yaml");
        let keys = example.lines().filter(|line| !line.trim_start().starts_with("# "));
        let mut lines: Vec<String> = keys.map(|line| line.strip_prefix('#').unwrap_or(line).into()).collect();
        for (at, text, insert) in edits {
            let at = at.index(lines.len());
            if insert { lines[at].push_str(&text) } else { lines[at] = text }
        }
        let text = lines.join("\n");
        if let Err(refused) = plan(&config::parse("config.yaml", &text)) {
            prop_assert!(refused.list.iter().all(|c| (1..=text.lines().count() + 1).contains(&c.line)), "{refused}");
        }
    }
}
