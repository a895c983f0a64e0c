//! A strict reader of Prometheus text: whatever it accepts, Prometheus does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

#[derive(Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub help: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    /// In the order written.
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Sample {
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }
}

/// Reads a whole exposition. Panics on malformed lines, on a family without HELP and TYPE, on one that
/// comes twice or empty, on a repeated label and on a repeated series.
pub fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
    let mut families: Vec<Family> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect(line);
            let (name, help) = (name.to_owned(), unescape(help));
            families.push(Family { name, help, kind: String::new(), samples: Vec::new() });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let family = families.last_mut().expect(line);
            let (name, kind) = rest.split_once(' ').expect(line);
            assert!(name == family.name && family.kind.is_empty() && family.samples.is_empty(), "{line}");
            kind.clone_into(&mut family.kind);
        } else {
            let family = families.last_mut().expect(line);
            let sample = sample(line);
            let series = match family.kind.as_str() {
                "histogram" => sample.name.strip_prefix(&family.name).expect(line),
                "gauge" | "counter" if sample.name == family.name => "",
                _ => panic!("sample in the wrong family: {line}"),
            };
            assert!(["", "_bucket", "_sum", "_count"].contains(&series), "{line}");
            let mut labels = sample.labels.clone();
            labels.sort();
            assert!(labels.windows(2).all(|pair| pair[0].0 != pair[1].0), "label twice: {line}");
            assert!(seen.insert((sample.name.clone(), labels)), "series twice: {line}");
            family.samples.push(sample);
        }
    }
    let count = families.len();
    let families: BTreeMap<String, Family> = families.into_iter().map(|f| (f.name.clone(), f)).collect();
    assert_eq!(families.len(), count, "a family comes twice");
    let empty = families.values().find(|family| family.samples.is_empty());
    assert!(empty.is_none(), "family without samples: {empty:?}");
    families
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect(line);
    let (name, mut rest) = line.split_at(end);
    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
    let mut labels = Vec::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (name, after) = inside.split_once("=\"").expect(line);
            let end = closing_quote(after).expect(line);
            labels.push((name.to_owned(), unescape(&after[..end])));
            inside = &after[end + 1..];
            match inside.strip_prefix(',') {
                Some(next) => inside = next,
                None => break,
            }
        }
        rest = inside.strip_prefix('}').expect(line);
    }
    let value = rest.strip_prefix(' ').expect(line).parse().expect(line);
    Sample { name: name.to_owned(), labels, value }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closing = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closing.then_some(at)
    })
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => panic!("\\{other:?} is no escape sequence: {text}"),
            },
            c => c,
        });
    }
    plain
}

/// What `promtool check metrics` says of the text; empty where it has nothing to say.
pub fn promtool_check(text: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; `apt-get install prometheus` brings it"));
    let mut stdin = promtool.stdin.take().unwrap();
    let text = text.to_owned();
    // It may write before it has read all.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = promtool.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}
