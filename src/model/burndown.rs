//! How many tokens of a quota one output token spends: data with dates, below the user's own.

use super::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The shipped table, parsed once. It is part of the program: a test reads every row of it.
static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    parse(include_str!("../../data/burndown.yaml")).expect("data/burndown.yaml is well-formed")
});

#[derive(Clone, Debug, PartialEq)]
struct Row {
    from: Timestamp,
    factor: f64,
    models: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    from: String,
    factor: f64,
    models: Vec<String>,
}

/// Output tokens of `model` (a base model id) count this many times against token quotas at `at`.
///
/// `None`: unknown, so usage cannot be reconstructed from tokens. That is so for Anthropic and OpenAI
/// models that the table does not name; every other provider's models count once (AWS, "How tokens are
/// counted in Amazon Bedrock").
pub fn burndown(model: &str, at: Timestamp, overrides: &BTreeMap<String, f64>) -> Option<f64> {
    overrides.get(model).copied().or_else(|| in_table(&TABLE, model, at)).or_else(|| {
        let own_rates = model.starts_with("anthropic.") || model.starts_with("openai.");
        (!own_rates).then_some(1.0)
    })
}

/// The latest row in force at `at`; before the first row of a model, the first.
fn in_table(table: &[Row], model: &str, at: Timestamp) -> Option<f64> {
    let name = without_version(model);
    let rows = || table.iter().filter(|row| row.models.iter().any(|pattern| matches(pattern, name)));
    let in_force = rows().filter(|row| row.from <= at).max_by_key(|row| row.from);
    in_force.or_else(|| rows().min_by_key(|row| row.from)).map(|row| row.factor)
}

/// The id without date, revision and context length: `anthropic.claude-sonnet-4-5-20250929-v1:0` is
/// `anthropic.claude-sonnet-4-5`.
fn without_version(model: &str) -> &str {
    let is_date = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit());
    let is_revision = |word: &str| {
        word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let name = model.split(':').next().unwrap_or(model);
    let mut end = 0;
    for word in name.split('-') {
        if end > 0 && (is_date(word) || is_revision(word)) {
            return &name[..end - 1];
        }
        end += word.len() + 1;
    }
    name
}

/// Word by word, where the word `*` stands for any single one.
fn matches(pattern: &str, name: &str) -> bool {
    let mut words = name.split('-');
    pattern.split('-').all(|p| words.next().is_some_and(|word| p == "*" || p == word))
        && words.next().is_none()
}

fn parse(text: &str) -> Result<Vec<Row>, String> {
    let raw: Vec<RawRow> = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    raw.into_iter()
        .map(|row| {
            let format = time::macros::format_description!("[year]-[month]-[day]");
            let from =
                time::Date::parse(&row.from, &format).map_err(|e| format!("from: {}: {e}", row.from))?;
            let from = Timestamp(from.midnight().assume_utc().unix_timestamp());
            Ok(Row { from, factor: row.factor, models: row.models })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(model: &str) -> Option<f64> {
        burndown(model, Timestamp(1_795_000_000), &BTreeMap::new())
    }

    #[test]
    fn the_shipped_table_says_what_aws_says() {
        let expected = [
            ("anthropic.claude-opus-4-8", Some(15.0)),
            ("anthropic.claude-opus-5", Some(10.0)),
            ("anthropic.claude-opus-5-5", Some(10.0)),
            ("anthropic.claude-sonnet-5", Some(10.0)),
            ("anthropic.claude-fable-5-1", Some(10.0)),
            ("openai.gpt-5.6-luna", Some(10.0)),
            ("openai.gpt-5.6-sol", Some(10.0)),
            ("openai.gpt-5.6-terra", Some(10.0)),
            ("anthropic.claude-opus-4-7", Some(5.0)),
            ("anthropic.claude-opus-4-6-v1", Some(5.0)),
            ("anthropic.claude-sonnet-4-6", Some(5.0)),
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Some(5.0)),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", Some(5.0)),
            ("anthropic.claude-opus-4-1-20250805-v1:0", Some(5.0)),
            ("anthropic.claude-sonnet-4-20250514-v1:0", Some(5.0)),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Some(5.0)),
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", Some(5.0)),
            ("anthropic.claude-3-haiku-20240307-v1:0", Some(5.0)),
            ("anthropic.claude-3-haiku-20240307-v1:0:200k", Some(5.0)),
            ("amazon.nova-pro-v1:0", Some(1.0)),
            ("xai.grok-4.6", Some(1.0)),
            ("moonshotai.kimi-k3", Some(1.0)),
            ("openai.gpt-oss-120b-1:0", Some(1.0)),
            ("openai.gpt-oss-safeguard-20b", Some(1.0)),
            ("anthropic.claude-fable-5", None),
            ("anthropic.claude-sonnet-5-5", None),
            ("anthropic.claude-sonnet-6", None),
            ("anthropic.claude-opus-4-9", None),
            ("openai.gpt-5.4", None),
            ("openai.gpt-6-sol", None),
            ("openai.gpt-6.1-sol", None),
        ];
        for (model, factor) in expected {
            assert_eq!(at(model), factor, "{model}");
        }
    }

    #[test]
    fn a_user_s_factor_goes_before_the_table() {
        let own = BTreeMap::from([("anthropic.claude-fable-5".to_string(), 12.0)]);
        assert_eq!(burndown("anthropic.claude-fable-5", Timestamp(0), &own), Some(12.0));
        assert_eq!(burndown("anthropic.claude-opus-5", Timestamp(0), &own), Some(10.0));
    }

    #[test]
    fn a_later_row_replaces_an_earlier_one_on_its_day() {
        let table = parse(
            "[{from: 2026-01-01, factor: 5, models: [a.b-*]}, {from: 2026-03-01, factor: 7, models: [a.b-c]}]",
        )
        .unwrap();
        let factor = |seconds| in_table(&table, "a.b-c", Timestamp(seconds));
        let march = 1_772_323_200;
        assert_eq!(factor(march - 1), Some(5.0));
        assert_eq!(factor(march), Some(7.0));
        assert_eq!(factor(0), Some(5.0), "before its first row, the first");
    }

    #[test]
    fn a_bad_table_is_refused_with_what_is_wrong() {
        assert!(parse("[{from: soon, factor: 5, models: []}]").unwrap_err().starts_with("from: soon: "));
        assert!(parse("[{from: 2026-01-01, factr: 5, models: []}]").unwrap_err().contains("factr"));
    }
}
