//! `${NAME}` and `${NAME:-default}` in the values of a config.

use super::complaint::Complaint;
use super::tree::{Node, Value, path};

/// Says what a variable of the environment holds.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the environment's variables into every value, never into a key. What cannot be put in is complained about,
/// with the key of the value.
pub(super) fn expand(node: &mut Node, key: &str, lookup: Lookup, out: &mut Vec<Complaint>) {
    let line = node.line;
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(text) => match expanded(text, lookup) {
            Ok(full) => *text = full,
            Err(message) => out.push(Complaint::new(line, key.into(), message)),
        },
        Value::List(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                expand(item, &format!("{key}[{number}]"), lookup, out);
            }
        }
        Value::Map(entries) => {
            for (_, name, value) in entries {
                expand(value, &path(key, name), lookup, out);
            }
        }
    }
}

/// `$${` stands for `${` itself; any other `$` for itself.
fn expanded(text: &str, lookup: Lookup) -> Result<String, String> {
    let (mut full, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            full = full + literal + "${";
            rest = after;
            continue;
        }
        // What is wrong may be a secret: of neither mistake is the text repeated.
        let (inside, behind) = after
            .split_once('}')
            .ok_or("found ${ without }, expected ${NAME}, or $${ for the text ${ itself")?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err("found ${…} whose name is not of letters, digits and _, expected ${NAME} or ${NAME:-default}, or \
                        $${ for the text ${ itself"
                .into());
        }
        let value = match default {
            Some(default) => {
                let set = lookup(name).filter(|value| !value.is_empty());
                set.unwrap_or_else(|| default.to_string())
            }
            None => lookup(name).ok_or_else(|| {
                format!("found ${{{name}}}, but the environment variable {name} is not set, expected it or ${{{name}:-default}}")
            })?,
        };
        full = full + before + &value;
        rest = behind;
    }
    Ok(full + rest)
}

fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.bytes().all(fits) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_defaults() {
        let lookup = |name: &str| match name {
            "ACCOUNT" => Some("111122223333".to_string()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let full = |text: &str| expanded(text, &lookup);
        for (text, expected) in [
            ("arn:aws:iam::${ACCOUNT}:role/r", "arn:aws:iam::111122223333:role/r"),
            ("${ACCOUNT}-${ACCOUNT}", "111122223333-111122223333"),
            ("${NONE:-us-east-1}", "us-east-1"),
            ("${EMPTY:-a}${EMPTY}", "a"),
            ("${NONE:-}", ""),
            ("$ACCOUNT costs 5$", "$ACCOUNT costs 5$"),
            ("$${ACCOUNT}", "${ACCOUNT}"),
        ] {
            assert_eq!(full(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["${NONE}", "${ACCOUNT", "${}", "${1A}", "${A B}", "${A-b}"] {
            assert!(full(bad).is_err(), "{bad}");
        }
    }
}
