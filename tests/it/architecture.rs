//! What docs/ARCHITECTURE.md says of the code: import rules, held over every path that it names, and layout.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Whether a rule is about that file, by its path below src/.
type Files = fn(&str) -> bool;
/// Whether a rule forbids that path, all imports resolved: `std::time::Instant::now`.
type Forbids = fn(&str) -> bool;

const RULES: &[(&str, Files, Forbids)] = &[
    ("the core and what renders it know no runtime, SDK, clock or file", is_pure, is_shell),
    ("the SDK's types stop at aws/", |file| !is_in(file, "aws"), is_sdk),
    (
        "the simulator imports nothing from the core",
        |file| is_in(file, "sim"),
        |path| is_crate(path) && !path.starts_with("crate::sim::") && path != "crate::sim",
    ),
    (
        "only the sub-commands know the simulator",
        |file| !is_in(file, "sim") && !is_in(file, "commands"),
        |path| path == "crate::sim" || path.starts_with("crate::sim::"),
    ),
    ("the simulated world knows no runtime and no clock", is_world, is_shell),
    (
        "only the daemon, the telemetry and the simulator's shell ask what time it is",
        |file| !["daemon", "telemetry"].iter().any(|m| is_in(file, m)) && !is_sim_shell(file),
        |path| path.starts_with("std::time::") && path.ends_with("::now") || path == "time::UtcDateTime::now",
    ),
    (
        "a config's file is read in config.rs alone",
        |file| file.starts_with("config/") || file == "cli.rs",
        |path| path.starts_with("std::fs"),
    ),
];

fn is_in(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn is_pure(file: &str) -> bool {
    ["model", "plan", "exposition", "picture", "report"].iter().any(|module| is_in(file, module))
}

fn is_sim_shell(file: &str) -> bool {
    ["sim.rs", "sim/desk.rs", "sim/wire.rs"].contains(&file)
}

fn is_world(file: &str) -> bool {
    ["world", "traffic", "series", "noise", "lists", "names"].iter().any(|m| is_in(file, &format!("sim/{m}")))
}

fn is_crate(path: &str) -> bool {
    ["crate", "bedrock_quota_exporter"].contains(&path.split("::").next().unwrap_or_default())
}

fn is_sdk(path: &str) -> bool {
    let crates = ["sdk_", "config", "smithy_", "types", "credential_types", "runtime", "sigv4"];
    path.strip_prefix("aws_").is_some_and(|rest| crates.iter().any(|name| rest.starts_with(name)))
}

fn is_shell(path: &str) -> bool {
    let outside = ["tokio", "axum", "reqwest", "tracing", "prometheus"];
    let std = ["std::fs", "std::env", "std::net", "std::process", "std::thread", "std::sync::Mutex"];
    let clock = [
        "std::time::SystemTime",
        "std::time::Instant",
        "time::OffsetDateTime::now",
        "time::UtcDateTime::now",
    ];
    let shell = ["crate::aws", "crate::collect", "crate::daemon", "crate::server", "crate::telemetry"];
    let below =
        |prefix: &&str| path == *prefix || path.strip_prefix(prefix).is_some_and(|p| p.starts_with("::"));
    is_sdk(path)
        || outside.iter().chain(&std).chain(&clock).chain(&shell).any(below)
        || path.starts_with("time::") && path.contains("::now")
}

#[test]
fn the_import_rules_hold() {
    let src = root().join("src");
    let mut found = Vec::new();
    for file in files(&src, "rs") {
        let name = file.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        found.extend(violations(&name, &std::fs::read_to_string(&file).unwrap()));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_broken_rule_is_found() {
    let broken = [
        ("model.rs", "use std::{fmt, fs};", "std::fs"),
        ("model/quota.rs", "fn f() { let t = std::time::SystemTime::now(); }", "std::time::SystemTime::now"),
        ("model/quota.rs", "use std::time;\nfn f() -> time::Instant { todo!() }", "std::time::Instant"),
        ("plan.rs", "use tokio::sync::{watch, mpsc as channel};", "tokio::sync::watch"),
        ("plan.rs", "use tokio as runtime;\nfn f() { runtime::spawn(g()) }", "tokio::spawn"),
        ("exposition/text.rs", "use super::super::telemetry::Own;", "crate::telemetry::Own"),
        ("report/check.rs", "/* no */ use crate::daemon;", "crate::daemon"),
        ("collect/usage.rs", "use aws_sdk_cloudwatch::types::Metric;", "aws_sdk_cloudwatch::types::Metric"),
        ("daemon.rs", "fn f(c: &aws_config::SdkConfig) {}", "aws_config::SdkConfig"),
        ("sim/world.rs", "use crate::model::quota;", "crate::model::quota"),
        ("sim/wire.rs", "use super::super::{config, plan::plan};", "crate::config"),
        ("sim.rs", "use super::model;", "crate::model"),
        ("sim/traffic.rs", "use std::time::Instant;\nfn f() { Instant::now(); }", "std::time::Instant::now"),
        ("sim/cloudwatch.rs", "fn f() { std::time::SystemTime::now(); }", "std::time::SystemTime::now"),
        ("server.rs", "use crate::sim::Sim;", "crate::sim::Sim"),
        (
            "collect.rs",
            "use std::time::*;\nfn f() {}\n#[cfg(test)]\nuse a::b;\nfn g() { crate::sim::f() }",
            "crate::sim::f",
        ),
        (
            "collect.rs",
            "fn f() { let c = '\"'; std::time::Instant::now(); let d = '\"'; }",
            "std::time::Instant::now",
        ),
        ("config/tree.rs", "fn f() { std::fs::read(\"x\"); }", "std::fs::read"),
    ];
    for (file, code, path) in broken {
        let found = violations(file, code);
        assert!(found.iter().any(|v| v.contains(&format!("{path}:"))), "{file}: {code}: {found:?}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    let fine = [
        ("model.rs", "//! use tokio::sync;\nuse std::fmt; /* std::fs */ const A: &str = \"tokio::spawn\";"),
        ("model.rs", "const A: &str = r#\"\"use std::fs\"#; fn f<'a>(x: &'a str) -> char { '\\'' }"),
        ("model.rs", "#[cfg(test)]\nmod tests { use std::fs; fn f() { tokio::spawn(x) } }\nfn g() {}"),
        ("plan.rs", "use std::time::Duration;\nuse crate::model::snapshot::Settings;"),
        ("aws/clients.rs", "use aws_config::SdkConfig;"),
        (
            "sim/wire.rs",
            "use super::world::World;\nuse crate::sim::desk;\nfn f() { std::time::Instant::now(); }",
        ),
        ("commands.rs", "use crate::sim::{self, world::World};"),
        ("collect.rs", "use tokio::time::Instant;\nfn f() { Instant::now(); }"),
        ("daemon.rs", "use std::time::SystemTime;\nfn f() { SystemTime::now(); }"),
    ];
    for (file, code) in fine {
        assert_eq!(violations(file, code), Vec::<String>::new(), "{file}: {code}");
    }
}

#[test]
fn every_snapshot_belongs_to_a_test() {
    for folder in ["src", "tests"] {
        for file in files(&root().join(folder), "snap") {
            let text = std::fs::read_to_string(&file).unwrap();
            let source = text.lines().find_map(|line| line.strip_prefix("source: ")).expect("a source");
            let source = std::fs::read_to_string(root().join(source)).unwrap_or_default();
            let name = file.file_stem().unwrap().to_str().unwrap().rsplit("__").next().unwrap();
            let is_named = |name: &str| {
                source.contains(&format!("fn {name}(")) || source.contains(&format!("\"{name}\""))
            };
            let numbered = name.rsplit_once('-').is_some_and(|(name, _)| is_named(name));
            assert!(is_named(name) || numbered, "dead snapshot {}", file.display());
        }
    }
}

#[test]
fn the_documents_name_every_module_and_every_dependency() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let layout = read("docs/ARCHITECTURE.md");
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "lib" || layout.contains(&format!("src/{module}.rs ")), "{name}");
    }
    for line in layout.lines().filter(|line| line.starts_with("src/") || line.starts_with("tests/")) {
        let file = line.split(' ').next().unwrap();
        assert!(root().join(file).exists(), "{file}");
    }
    let (manifest, reasons) = (read("Cargo.toml"), read("docs/DEPENDENCIES.md"));
    let tables = manifest
        .split("\n[")
        .filter(|t| t.starts_with("dependencies]") || t.starts_with("dev-dependencies]"));
    let crates = tables.flat_map(str::lines).filter_map(|line| {
        let (name, rest) = line.split_once(" = ").filter(|(name, _)| !name.starts_with('#'))?;
        let renamed = rest.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
        Some(renamed.unwrap_or(name))
    });
    let mut crates: Vec<&str> = crates.collect();
    let listed =
        reasons.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).map(|(name, _)| name);
    let mut listed: Vec<&str> = listed.filter(|name| !["crate", "---"].contains(name)).collect();
    crates.sort();
    listed.sort();
    assert_eq!(listed, crates);
}

#[test]
fn the_readme_asks_for_the_permissions_that_are_used() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut used = BTreeSet::new();
    for file in files(&root().join("src/aws"), "rs") {
        let source = std::fs::read_to_string(file).unwrap();
        let is_action = |text: &&str| {
            let service = text.split_once(':').map(|(service, _)| service);
            service.is_some_and(|s| {
                ["account", "bedrock", "cloudwatch", "oam", "organizations", "servicequotas"].contains(&s)
            })
        };
        used.extend(source.split('"').filter(is_action).map(String::from));
    }
    let policy = readme.split("\"Action\": [").nth(1).unwrap().split(']').next().unwrap();
    let asked: BTreeSet<String> = policy.split('"').skip(1).step_by(2).map(String::from).collect();
    let (discovery, used): (BTreeSet<String>, _) = used
        .into_iter()
        .partition(|action| ["account:", "oam:", "organizations:"].iter().any(|s| action.starts_with(s)));
    assert_eq!(asked, used);
    let unsaid: Vec<_> = discovery.iter().filter(|action| !readme.contains(&format!("`{action}`"))).collect();
    assert!(unsaid.is_empty() && !discovery.is_empty(), "{unsaid:?}");
}

#[test]
fn the_documents_name_only_metrics_that_exist() {
    let metrics = std::fs::read_to_string(root().join("docs/METRICS.md")).unwrap();
    for file in ["README.md", "config.example.yaml", "docs/CONFIGURATION.md", "docs/ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        for name in words.filter(|word| word.starts_with("bedrock_")) {
            assert!(metrics.contains(&format!("`{name}`")), "{file}: {name}");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// Every path of a file's own code that a rule forbids, with the rule.
fn violations(file: &str, source: &str) -> Vec<String> {
    let paths = paths(file, source);
    let broken = |(rule, files, forbids): &(&str, Files, Forbids)| {
        let paths = paths.iter().filter(|path| files(file) && forbids(path));
        paths.map(|path| format!("src/{file}: {path}: {rule}")).collect::<Vec<_>>()
    };
    RULES.iter().flat_map(broken).collect()
}

/// Every path that the code names, test modules left out, imports and `super` resolved.
fn paths(file: &str, source: &str) -> Vec<String> {
    let tokens = without_tests(tokens(source));
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut imports = BTreeMap::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" && tokens.get(at + 1) != Some(&"<") {
            at += 1;
            use_tree(&tokens, &mut at, "", &mut imports, &mut found);
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
