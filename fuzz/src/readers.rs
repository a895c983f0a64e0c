//! What each fuzz target hands its bytes to: everything that reads what comes from outside. The fuzzer and
//! tests/it/corpora.rs call the same.

mod answers;
mod queries;

pub use answers::{aws_cbor, aws_json, aws_xml};
pub use queries::queries;

use super::{pause, world};
use bedrock_quota_exporter::config::{self, web};
use bedrock_quota_exporter::daemon::parse_counters;
use bedrock_quota_exporter::diagnosis::message;
use bedrock_quota_exporter::model::arn::Arn;
use bedrock_quota_exporter::model::catalog::{Catalog, FoundationModel};
use bedrock_quota_exporter::model::matching::{Index, Rules};
use bedrock_quota_exporter::model::quota::{QuotaList, ServiceQuota};
use bedrock_quota_exporter::model::usage::InvocationId;
use bedrock_quota_exporter::offline::{self, File};
use bedrock_quota_exporter::picture::file::Reader;
use bedrock_quota_exporter::plan::plan;
use bedrock_quota_exporter::report::safe::printable_lines;
use std::path::Path;
use std::sync::Arc;

/// None may panic, take long or grow, whatever the bytes.
pub type Read = fn(&[u8]);

/// Every target, by the name of its file in fuzz_targets/ and of its folder in seeds/.
pub const READERS: [(&str, Read); 12] = [
    ("config", config),
    ("web_config", web_config),
    ("names", names),
    ("arns", arns),
    ("error_texts", error_texts),
    ("cli_lists", cli_lists),
    ("snapshot", snapshot),
    ("counters", counters),
    ("queries", queries),
    ("aws_json", aws_json),
    ("aws_cbor", aws_cbor),
    ("aws_xml", aws_xml),
];

/// A message is printed as main prints it: a terminal obeys nothing that stands in an input.
fn assert_printable(message: &str) {
    let printed = printable_lines(message);
    let obeyed = printed.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(obeyed, None, "{printed:?}");
}

/// A config file, with one variable of the environment that looks like YAML.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lookup = |name: &str| (name == "A").then(|| "a\n- b: ${A}".to_string());
    if let Err(refused) = plan(&config::parse_with("config.yaml", text, &lookup)) {
        assert_printable(&refused.to_string());
    }
}

pub fn web_config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(refused) = web::parse(Path::new("/etc/web.yml"), text) {
        assert_printable(&refused.to_string());
    }
}

/// Three lines: the name of a quota, the id of a model, its name.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default().to_string();
    let quota = ServiceQuota { code: "L-00000001".into(), name: line(), ..ServiceQuota::default() };
    let model = FoundationModel { id: line(), name: Some(line()), ..FoundationModel::default() };
    let id = model.id.clone();
    let catalog = Catalog { models: Some(vec![Arc::new(model)]), ..Catalog::default() };
    let quotas = QuotaList { closed: Vec::new(), quotas: vec![Arc::new(quota)], requests: None };
    let _ = Index::new(&quotas, &catalog, &Rules::default()).resolve(&InvocationId::runtime(&id));
}

pub fn arns(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Arn::parse(text).map(|arn| format!("{} {}", arn.kind(), arn.id()));
}

/// What somebody hands to `diagnose --error`.
pub fn error_texts(bytes: &[u8]) {
    let _ = message::read(&String::from_utf8_lossy(bytes));
}

/// What the AWS CLI prints, as `explain` reads it.
pub fn cli_lists(bytes: &[u8]) {
    let Ok(content) = std::str::from_utf8(bytes) else { return };
    let file = File { path: "list.json", content };
    let told = [
        offline::quotas(Some(file), Some(file), Some("us-east-1")).err(),
        offline::models(file).err(),
        offline::profiles(file, Some("us-east-1")).err(),
        offline::deployments(file).err(),
    ];
    told.iter().flatten().for_each(|message| assert_printable(message));
}

pub fn snapshot(bytes: &[u8]) {
    let told = match Reader::new("snapshot", bytes) {
        Err(message) => Some(message),
        Ok(mut reader) => loop {
            match reader.target() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(message) => break Some(message),
            }
        },
    };
    told.iter().for_each(|message| assert_printable(message));
}

/// The file of --storage.path.
pub fn counters(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(message) = parse_counters(text) {
        assert_printable(&message);
    }
}
