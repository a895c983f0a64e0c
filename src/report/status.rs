//! The status page: what is wrong, what is nearly spent, what is watched and how that goes.

mod html;
mod page;
mod quotas;
mod targets;

use crate::findings::{Finding, findings};
use crate::report::human::{about, count};
use crate::report::safe::Escaped;
use html::{document, section};
use page::age;
pub use page::{Exporter, Page};
use std::collections::BTreeSet;

/// Before so many seconds the first reading of everything would be taken for an everyday cost.
const PROJECTED_AFTER: u64 = 3600;
/// The alert for traffic without a quota: such findings have a section of their own.
const UNMAPPED: &str = "BedrockUnmappedTraffic";

impl Page<'_> {
    /// The page at `/`.
    pub fn html(&self) -> String {
        let all = findings(self.snapshot, self.now);
        let (unmapped, wrong): (Vec<&Finding>, Vec<&Finding>) =
            all.iter().partition(|finding| finding.runbook == UNMAPPED);
        let mut body = self.head();
        body += &section(&counted("Wrong now", wrong.len()), &quotas::findings(self, &wrong));
        body += &section("Fullest quotas", &quotas::fullest(self));
        body += &section("Refused calls", &quotas::refused(self));
        if !unmapped.is_empty() {
            let title = counted("Traffic without a known quota", unmapped.len());
            body += &section(&title, &quotas::findings(self, &unmapped));
        }
        body += &section(&counted("Targets", self.snapshot.targets.len()), &targets::table(self));
        body += &section("This exporter", &self.exporter());
        document(&body)
    }

    fn head(&self) -> String {
        let demo = match self.exporter.mode.as_str() {
            "demo" => " <span class=\"mark\">demo: AWS is simulated</span>",
            _ => "",
        };
        let api = if self.api {
            "<a href=\"/api/v1\">API</a><a href=\"/api/v1/openapi.json\">OpenAPI</a>"
        } else {
            ""
        };
        let accounts: BTreeSet<&str> =
            self.snapshot.targets.keys().map(|target| &*target.account_id).collect();
        format!(
            "<h1>bedrock-quota-exporter{demo}</h1>\n<p>Amazon Bedrock quotas and who spends them: {} in {}, {}.</p>\
             \n<nav><a href=\"{}\">Metrics</a><a href=\"/-/healthy\">Health</a><a href=\"/-/ready\">Readiness</a>{api}</nav>\n",
            count(self.snapshot.targets.len(), "target"),
            count(accounts.len(), "account"),
            quotas::newest(self),
            Escaped(self.metrics),
        )
    }

    fn exporter(&self) -> String {
        let Exporter { version, revision, started, loaded, loaded_at, .. } = self.exporter;
        let revision = if revision.is_empty() { String::new() } else { format!(", revision {revision}") };
        let since = age(*loaded_at, self.now);
        let config = if *loaded {
            format!("loaded {since}")
        } else {
            format!("<span class=\"bad\">the last reload failed</span>; in force since {since}")
        };
        format!(
            "<dl><dt>Version</dt><dd>{}{}</dd><dt>Started</dt><dd>{}</dd><dt>Config</dt><dd>{config}</dd>\
             <dt>CloudWatch costs</dt><dd>{}</dd></dl>\n",
            Escaped(version),
            Escaped(&revision),
            age(*started, self.now),
            self.cost(),
        )
    }

    /// What reading costs a day, projected from what it has cost.
    fn cost(&self) -> String {
        let Exporter { dollars, started, budget, .. } = self.exporter;
        let running = self.now.since(*started);
        let cost = if running < PROJECTED_AFTER {
            format!("${dollars:.2} so far; what a day costs is told after an hour")
        } else {
            let daily = dollars * 86_400.0 / running as f64;
            format!("about ${daily:.2} a day, by ${dollars:.2} in {}", about(running))
        };
        let slowed =
            if self.snapshot.is_slowed() { ", and slows the reading of the calmest ids" } else { "" };
        match budget {
            Some(budget) => format!("{cost}; the budget is ${budget:.2} a day{slowed}"),
            None => format!("{cost}; no budget is set"),
        }
    }
}

/// A heading with how many there are.
fn counted(title: &str, count: usize) -> String {
    format!("{title} <small>{count}</small>")
}
