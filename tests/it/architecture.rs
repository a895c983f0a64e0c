//! What docs/ARCHITECTURE.md says of the code: import rules, held over every path that it names, and layout.

mod circles;
mod imports;

use imports::paths;
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
];

fn is_in(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn is_pure(file: &str) -> bool {
    let pure = [
        "api",
        "chart",
        "diagnosis",
        "exposition",
        "findings",
        "gateway",
        "increase",
        "mcp",
        "model",
        "offline",
        "picture",
        "plan",
        "probe",
        "report",
        "top",
    ];
    pure.iter().any(|module| is_in(file, module))
}

fn is_world(file: &str) -> bool {
    is_in(file, "sim/world")
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
    let shell =
        ["crate::aws", "crate::collect", "crate::daemon", "crate::log", "crate::server", "crate::telemetry"];
    let below =
        |prefix: &&str| path == *prefix || path.strip_prefix(prefix).is_some_and(|p| p.starts_with("::"));
    is_sdk(path)
        || outside.iter().chain(&std).chain(&clock).chain(&shell).any(below)
        || path.starts_with("time::") && path.contains("::now")
}

#[test]
fn the_import_rules_hold() {
    let found: Vec<String> = sources().iter().flat_map(|(file, source)| violations(file, source)).collect();
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
        (
            "sim/world/traffic.rs",
            "use std::time::Instant;\nfn f() { Instant::now(); }",
            "std::time::Instant::now",
        ),
        ("server.rs", "use crate::sim::Sim;", "crate::sim::Sim"),
        (
            "collect.rs",
            "use std::time::*;\nfn f() {}\n#[cfg(test)]\nuse a::b;\nfn g() { crate::sim::f() }",
            "crate::sim::f",
        ),
        ("collect.rs", "fn f() { let c = '\"'; crate::sim::f(); let d = '\"'; }", "crate::sim::f"),
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
        ("plan.rs", "use std::time::Duration;\nuse crate::model::settings::Settings;"),
        ("aws/clients.rs", "use aws_config::SdkConfig;"),
        ("sim/desk.rs", "use super::world::World;\nuse crate::sim::faults;"),
        ("commands.rs", "use crate::sim::{self, world::World};"),
        ("collect.rs", "use tokio::time::Instant;\nfn f() { Instant::now(); }"),
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
    // What only some configs and two flags need.
    let special = ["account:", "bedrock:Invoke", "oam:", "organizations:", "servicequotas:Request"];
    let (discovery, used): (BTreeSet<String>, _) =
        used.into_iter().partition(|action| special.iter().any(|prefix| action.starts_with(prefix)));
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

/// Every file of src/ by its path there, with its text.
fn sources() -> BTreeMap<String, String> {
    let src = root().join("src");
    let named = |file: &Path| file.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    files(&src, "rs").iter().map(|file| (named(file), std::fs::read_to_string(file).unwrap())).collect()
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
