//! The status page: one line per target.

use crate::model::snapshot::{Collector, Snapshot, TargetState};
use crate::model::time::Timestamp;
use std::fmt::{self, Display, Write};

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222}\
table{border-collapse:collapse}th,td{text-align:left;padding:.25em 1em .25em 0;border-bottom:1px solid #ddd;\
vertical-align:top}td{white-space:nowrap}\
.bad,td:last-child{white-space:normal}.bad{color:#b00020}small{color:#666}";

/// Text that may hold anything, made safe between tags and in attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// The page at `/`. `metrics` is the path of the exposition.
pub fn page(snapshot: &Snapshot, metrics: &str, now: Timestamp) -> String {
    let mut rows = String::new();
    for state in snapshot.targets.values() {
        rows.push_str(&row(state, now));
    }
    let metrics = Escaped(metrics);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>bedrock-quota-exporter</title>\
         <style>{STYLE}</style></head><body><h1>bedrock-quota-exporter</h1>\
         <p>Amazon Bedrock quotas and who spends them. \
         <a href=\"{metrics}\">Metrics</a> · <a href=\"/-/healthy\">Health</a> · <a href=\"/-/ready\">Readiness</a></p>\
         <table><thead><tr><th>Account</th><th>Region</th><th>Quotas</th><th>Catalog</th><th>Usage</th>\
         <th>Complete until</th><th>Ids</th><th>Nearest limit (peak)</th></tr></thead>\
         <tbody>{rows}</tbody></table></body></html>\n"
    )
}

fn row(state: &TargetState, now: Timestamp) -> String {
    let account = match state.target.account_id.as_ref() {
        "" => "not known yet",
        id => id,
    };
    let collectors: String = Collector::ALL.iter().map(|collector| cell(state, *collector, now)).collect();
    let complete = match state.evaluation.complete_until {
        Some(at) => format!("{at} <small>({} s ago)</small>", now.since(at)),
        None => "—".to_string(),
    };
    format!(
        "<tr><td>{}</td><td>{}</td>{collectors}<td>{complete}</td><td>{}</td><td>{}</td></tr>\n",
        Escaped(account),
        Escaped(&state.target.region),
        state.evaluation.ids.len(),
        nearest(state),
    )
}

fn cell(state: &TargetState, collector: Collector, now: Timestamp) -> String {
    let Some(collector) = state.collectors.get(&collector).filter(|c| c.last_attempt.is_some()) else {
        return "<td><small>not yet</small></td>".to_string();
    };
    let last = match collector.last_success {
        Some(at) => format!("{} s ago", now.since(at)),
        None => "never".to_string(),
    };
    match &collector.last_error {
        None => format!("<td>ok <small>({last})</small></td>"),
        Some(error) => format!(
            "<td class=\"bad\">failing <small>(last success: {last})</small><br><small>{}</small></td>",
            Escaped(error)
        ),
    }
}

/// The quota with the highest peak ratio.
fn nearest(state: &TargetState) -> String {
    let known = state.evaluation.quotas.iter().filter_map(|quota| Some((quota.peak_ratio?, quota)));
    match known.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((ratio, quota)) => {
            format!("{:.0} % <small>{}</small>", ratio * 100.0, Escaped(&quota.quota.name))
        }
        None => "—".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Target;

    #[test]
    fn what_aws_says_cannot_become_markup() {
        assert_eq!(Escaped("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }

    #[test]
    fn a_target_of_an_unknown_account_has_its_line_before_anything_is_read() {
        let now = Timestamp(1_000_000);
        let page = page(&Snapshot::new([Target::new("", "eu-west-1")], now), "/metrics", now);
        assert!(page.contains("<td>not known yet</td><td>eu-west-1</td>"), "{page}");
        assert_eq!(page.matches("not yet</small>").count(), 3);
    }
}
