//! Pieces of YAML that both forms have.

use crate::report::human::percent;
use crate::report::safe::printable;

/// What YAML's first lines say of the file.
pub(super) fn preamble(what: &str, share: f64) -> String {
    let share = percent(share);
    format!(
        "# {what}, at {share} of the applied quotas of Amazon Bedrock.\n\
         # Made by `bedrock-quota-exporter export`: what is edited here is lost with the next one.\n"
    )
}

/// A text as YAML, whatever is in it: a JSON string is one.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A line of a comment, whatever is in it.
pub(super) fn comment(indent: usize, text: &str) -> String {
    format!("{}# {}\n", " ".repeat(indent), printable(text))
}
