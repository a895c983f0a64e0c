//! Reading a section of the tree key by key, gathering complaints instead of stopping at the first.

use super::complaint::{At, Complaint, TOLD};
use super::kinds::Kind;
use super::tree::{self, Node, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A mapping that is being read. Keys that nobody asked for are complained about when it is finished:
/// the questions asked are the schema.
pub(super) struct Section<'a> {
    line: usize,
    /// Of the section itself, empty for the whole file.
    key: String,
    entries: Vec<(usize, &'a str, &'a Node)>,
    known: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    /// Null is an empty section. Keys given twice are complained about, the first counts.
    pub(super) fn new(
        line: usize,
        node: &'a Node,
        key: &str,
        complaints: &mut Vec<Complaint>,
    ) -> Section<'a> {
        let mut section = Section { line, key: key.into(), entries: Vec::new(), known: BTreeSet::new() };
        match &node.value {
            Value::Null => {}
            Value::Map(entries) => {
                let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
                for (line, name, value) in entries {
                    match lines.get(name.as_str()) {
                        None => {
                            lines.insert(name, *line);
                            section.entries.push((*line, name, value));
                        }
                        Some(first) => {
                            let message = format!("given twice, first in line {first}");
                            complaints.push(Complaint::new(*line, section.path(name), message));
                        }
                    }
                }
            }
            _ => {
                let message = format!("found {}, expected a mapping of keys to values", node.found());
                complaints.push(Complaint::new(line, key.into(), message));
            }
        }
        section
    }

    /// Where the section starts.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its full key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn path(&self, name: &str) -> String {
        tree::path(&self.key, name)
    }

    /// A single value.
    pub(super) fn value<T>(
        &mut self,
        name: &'static str,
        kind: &Kind<T>,
        out: &mut Vec<Complaint>,
    ) -> Option<At<T>> {
        let (line, node) = self.take(name)?;
        value(line, node, &self.path(name), kind, out)
    }

    /// A list of single values; complaints name each by its position, counted from 0.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        kind: &Kind<T>,
        out: &mut Vec<Complaint>,
    ) -> Option<At<Vec<At<T>>>> {
        let (line, node) = self.take(name)?;
        let items = items(line, node, &self.path(name), |text| list_of(text, kind), out)?;
        let path = self.path(name);
        let read = |(i, node): (usize, &Node)| value(node.line, node, &format!("{path}[{i}]"), kind, out);
        Some(At { line, value: items.iter().enumerate().filter_map(read).collect() })
    }

    /// A list, or one word in its place: then none.
    pub(super) fn list_or<T>(
        &mut self,
        name: &'static str,
        word: &'static str,
        kind: &Kind<T>,
        out: &mut Vec<Complaint>,
    ) -> Option<At<Option<Vec<At<T>>>>> {
        let (line, node) = self.take(name)?;
        match &node.value {
            Value::Scalar(text) if text == word => Some(At { line, value: None }),
            Value::List(items) if items.iter().any(|item| item.value == Value::Scalar(word.into())) => {
                let message = format!("found {word} in a list, expected it alone, without one");
                out.push(Complaint::new(line, self.path(name), message));
                None
            }
            Value::List(_) => {
                self.list(name, kind, out).map(|At { line, value }| At { line, value: Some(value) })
            }
            _ => {
                items(
                    line,
                    node,
                    &self.path(name),
                    |text| format!("{}, or {word}", list_of(text, kind)),
                    out,
                );
                None
            }
        }
    }

    /// A section within.
    pub(super) fn section(&mut self, name: &'static str, out: &mut Vec<Complaint>) -> Option<Section<'a>> {
        let (line, node) = self.take(name)?;
        Some(Section::new(line, node, &self.path(name), out))
    }

    /// A list of sections.
    pub(super) fn sections(&mut self, name: &'static str, out: &mut Vec<Complaint>) -> Vec<Section<'a>> {
        let path = self.path(name);
        let entries = |_: &str| "a list of entries, each of which begins with -".to_string();
        let items = self
            .take(name)
            .and_then(|(line, node)| items(line, node, &path, entries, out))
            .unwrap_or_default();
        let section =
            |(i, node): (usize, &'a Node)| Section::new(node.line, node, &format!("{path}[{i}]"), out);
        items.iter().enumerate().map(section).collect()
    }

    /// Every entry, of a mapping whose keys are the user's own.
    pub(super) fn each<T>(
        &mut self,
        name: &Kind<String>,
        kind: &Kind<T>,
        out: &mut Vec<Complaint>,
    ) -> BTreeMap<String, T> {
        let mut all = BTreeMap::new();
        for (line, key, node) in std::mem::take(&mut self.entries) {
            let path = self.path(key);
            refuse_name(line, key, &path, name, out);
            if let Some(at) = value(line, node, &path, kind, out) {
                all.insert(key.into(), at.value);
            }
        }
        all
    }

    /// Every entry, of a mapping whose keys are the user's own and whose values no message may repeat. Nothing is no
    /// value.
    pub(super) fn each_secret(
        self,
        name: &Kind<String>,
        kind: &Kind<String>,
        out: &mut Vec<Complaint>,
    ) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (line, key, node) in &self.entries {
            let path = self.path(key);
            refuse_name(*line, key, &path, name, out);
            let (value, found) = match &node.value {
                Value::Scalar(text) => ((kind.parse)(text), "another text".to_string()),
                _ => (None, node.found()),
            };
            match value {
                Some(value) => drop(all.insert(key.to_string(), value)),
                None => {
                    let message = format!("found {found}, expected {}", kind.expected);
                    out.push(Complaint::new(*line, path, message));
                }
            }
        }
        all
    }

    /// Every entry as a section, of a mapping whose keys are the user's own.
    pub(super) fn each_section(
        &mut self,
        name: &Kind<String>,
        out: &mut Vec<Complaint>,
    ) -> Vec<(String, Section<'a>)> {
        let mut all = Vec::new();
        for (line, key, node) in std::mem::take(&mut self.entries) {
            let path = self.path(key);
            refuse_name(line, key, &path, name, out);
            all.push((key.into(), Section::new(line, node, &path, out)));
        }
        all
    }

    /// Complains about keys that nobody asked for.
    pub(super) fn finish(self, out: &mut Vec<Complaint>) {
        let known: Vec<&str> = self.known.iter().copied().collect();
        let unknown = self.entries.iter().filter(|(_, name, _)| !self.known.contains(name));
        let mut are_listed = false;
        for (number, (line, name, _)) in unknown.enumerate() {
            // What is only counted needs no search for a key that was meant.
            let meant = (number < TOLD).then(|| meant(name, &known)).flatten();
            let message = match meant {
                Some(meant) => meant,
                None if known.len() == 1 => format!("{}, expected {}", unknown_key(name), known[0]),
                // Once a section is enough.
                None if are_listed => unknown_key(name),
                None => {
                    are_listed = true;
                    format!("{}, expected one of {}", unknown_key(name), known.join(", "))
                }
            };
            out.push(Complaint::new(*line, self.path(name), message));
        }
    }

    fn take(&mut self, name: &'static str) -> Option<(usize, &'a Node)> {
        self.known.insert(name);
        self.entries.iter().find(|(_, other, _)| *other == name).map(|(line, _, node)| (*line, *node))
    }
}

/// The items of a list; null is none. `expected` is told a text that stands in its place, or an empty one.
fn items<'a>(
    line: usize,
    node: &'a Node,
    path: &str,
    expected: impl Fn(&str) -> String,
    out: &mut Vec<Complaint>,
) -> Option<&'a [Node]> {
    let text = match &node.value {
        Value::Null => return None,
        Value::List(items) => return Some(items),
        Value::Scalar(text) => text,
        Value::Map(_) => "",
    };
    let message = format!("found {}, expected {}", node.found(), expected(text));
    out.push(Complaint::new(line, path.into(), message));
    None
}

/// A list for a message, with the text that stands alone in its place, where that could be an item.
fn list_of<T>(text: &str, kind: &Kind<T>) -> String {
    if (kind.parse)(text).is_some() { format!("a list such as [{text}]") } else { "a list".into() }
}

/// Complains about a key that is the user's own, and cannot be one.
fn refuse_name(line: usize, key: &str, path: &str, kind: &Kind<String>, out: &mut Vec<Complaint>) {
    if (kind.parse)(key).is_none() {
        let message = format!("found {key:?}, expected {}", kind.expected);
        out.push(Complaint::new(line, path.into(), message));
    }
}

/// A single value; null is none.
fn value<T>(line: usize, node: &Node, path: &str, kind: &Kind<T>, out: &mut Vec<Complaint>) -> Option<At<T>> {
    let parsed = match &node.value {
        Value::Null => return None,
        Value::Scalar(text) => (kind.parse)(text),
        _ => None,
    };
    if parsed.is_none() {
        let message = format!("found {}, expected {}", node.found(), kind.expected);
        out.push(Complaint::new(line, path.into(), message));
    }
    parsed.map(|value| At { line, value })
}

fn unknown_key(name: &str) -> String {
    // A letter of another alphabet may look the same.
    match name.is_ascii() {
        true => "unknown key".to_string(),
        false => format!("unknown key, spelt \"{}\"", name.escape_default()),
    }
}

/// What to say of an unknown key where it can be seen what was meant: how it is written, or the nearest known one.
fn meant(name: &str, known: &[&str]) -> Option<String> {
    if let Some((section, key)) = name.split_once('.').filter(|(section, _)| known.contains(section)) {
        return Some(format!("unknown key, expected {key} in a line of its own below {section}"));
    }
    if let Some((section, _)) = name.split_once(':').filter(|(section, _)| known.contains(section)) {
        return Some(format!("unknown key, expected a space behind {section}:"));
    }
    let written = name.to_lowercase();
    let (distance, nearest) = known.iter().map(|k| (strsim::damerau_levenshtein(&written, k), k)).min()?;
    let is_near = distance <= (nearest.len().min(name.len()) / 3).max(1);
    is_near.then(|| format!("{}, did you mean {nearest}?", unknown_key(name)))
}
