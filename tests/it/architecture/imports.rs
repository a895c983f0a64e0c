//! The paths that a file names, read from its text: enough of Rust's grammar for `use` and paths, no more.

use std::collections::BTreeMap;

/// Every path that the code names, test modules left out, imports and `super` resolved.
pub(super) fn paths(file: &str, source: &str) -> Vec<String> {
    let tokens = without_tests(tokens(source));
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut imports = BTreeMap::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" && tokens.get(at + 1) != Some(&"<") {
            at += 1;
            use_tree(&tokens, &mut at, "", &mut imports, &mut found);
        } else if tokens[at] == "pub" && tokens.get(at + 1) == Some(&"(") {
            // `pub(super)` names no item.
            at += 3;
        } else if is_word(tokens[at]) {
            let mut path = tokens[at].to_string();
            while tokens.get(at + 1) == Some(&"::") && tokens.get(at + 2).is_some_and(|t| is_word(t)) {
                path = format!("{path}::{}", tokens[at + 2]);
                at += 2;
            }
            found.push(path);
        }
        at += 1;
    }
    found.iter().map(|path| resolve(file, path, &imports)).collect()
}

/// Reads `a::{b, c::d as e, *}`: its paths, and which name stands for which.
fn use_tree(
    tokens: &[&str],
    at: &mut usize,
    prefix: &str,
    imports: &mut BTreeMap<String, String>,
    found: &mut Vec<String>,
) {
    let mut path = prefix.to_string();
    while let Some(token) = tokens.get(*at) {
        match *token {
            ";" | "," | "}" => break,
            "::" => {}
            "{" => {
                while tokens.get(*at).is_some_and(|t| *t != "}" && *t != ";") {
                    *at += 1;
                    use_tree(tokens, at, &path, imports, found);
                }
                *at += 1;
                return;
            }
            "as" => {
                *at += 1;
                imports.insert(tokens[*at].into(), path.clone());
            }
            "self" if !path.is_empty() => {}
            word => path = if path.is_empty() { word.into() } else { format!("{path}::{word}") },
        }
        *at += 1;
    }
    if path != prefix || tokens.get(*at - 1) == Some(&"self") {
        let name = path.rsplit("::").next().unwrap_or_default().to_string();
        imports.entry(name).or_insert_with(|| path.clone());
        found.push(path);
    }
}

/// The path from the crate's root, or from another crate's.
fn resolve(file: &str, path: &str, imports: &BTreeMap<String, String>) -> String {
    let (first, rest) = path.split_once("::").map_or((path, ""), |(first, rest)| (first, rest));
    let join =
        |start: &str, rest: &str| if rest.is_empty() { start.into() } else { format!("{start}::{rest}") };
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    module.retain(|part| !["lib", "main"].contains(part));
    match first {
        "super" | "self" => {
            let mut rest = path;
            while let Some(above) = rest.strip_prefix("super").filter(|r| r.is_empty() || r.starts_with("::"))
            {
                module.pop();
                rest = above.trim_start_matches("::");
            }
            let rest = rest.strip_prefix("self").map_or(rest, |r| r.trim_start_matches("::"));
            let start = [&["crate"], &module[..]].concat().join("::");
            join(&start, rest)
        }
        _ => match imports.get(first) {
            Some(import) if import != path && import.split("::").next() != Some(first) => {
                resolve(file, &join(import, rest), &BTreeMap::new())
            }
            _ => path.into(),
        },
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single marks; comments and literals left out.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let starts = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let until = |mut at: usize, end: &str| {
        while at < chars.len() && !starts(at, end) {
            at += if chars[at] == '\\' && end.len() == 1 { 2 } else { 1 };
        }
        at + end.len()
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let hashes = chars[at..].iter().skip(1).take_while(|c| **c == '#').count();
        let raw = chars[at] == 'r' && chars.get(at + 1 + hashes) == Some(&'"');
        match chars[at] {
            _ if starts(at, "//") => at = until(at, "\n"),
            _ if starts(at, "/*") => at = until(at + 2, "*/"),
            _ if raw => at = until(at + hashes + 2, &format!("\"{}", "#".repeat(hashes))),
            '"' => at = until(at + 1, "\""),
            '\'' if chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'') => {
                at = until(at + 1 + usize::from(chars[at + 1] == '\''), "'");
            }
            '\'' => at += 1,
            c if c.is_alphanumeric() || c == '_' => {
                let end = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                tokens.push(chars[at..at + end].iter().collect());
                at += end;
            }
            _ if starts(at, "::") => {
                tokens.push("::".into());
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.into());
                }
                at += 1;
            }
        }
    }
    tokens
}

/// Without the items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().map(String::as_str).take(attribute.len()).ne(attribute) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0;
        while at < tokens.len() {
            depth += i32::from(tokens[at] == "{") - i32::from(tokens[at] == "}");
            let ends = tokens[at] == ";" || tokens[at] == "}";
            at += 1;
            if ends && depth == 0 {
                break;
            }
        }
    }
    kept
}
