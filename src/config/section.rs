//! Reading a section of the tree key by key, gathering complaints instead of stopping at the first.

use super::complaint::{At, Complaint, TOLD};
use super::kinds::Kind;
use super::tree::{Node, Value};
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
        if self.key.is_empty() { name.into() } else { format!("{}.{name}", self.key) }
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
        let (line, items) = self.items(name, "a list", out)?;
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
            Value::Scalar(_) => {
                self.items(name, &format!("a list, or {word}"), out);
                None
            }
            _ => self.list(name, kind, out).map(|At { line, value }| At { line, value: Some(value) }),
        }
    }

    /// A section within.
    pub(super) fn section(&mut self, name: &'static str, out: &mut Vec<Complaint>) -> Option<Section<'a>> {
        let (line, node) = self.take(name)?;
        Some(Section::new(line, node, &self.path(name), out))
    }

    /// A list of sections.
    pub(super) fn sections(&mut self, name: &'static str, out: &mut Vec<Complaint>) -> Vec<Section<'a>> {
        let items = self.items(name, "a list", out).map_or(&[][..], |(_, items)| items);
        let path = self.path(name);
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
            if (name.parse)(key).is_none() {
                let message = format!("found {key:?}, expected {}", name.expected);
                out.push(Complaint::new(line, path.clone(), message));
            }
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
            if (name.parse)(key).is_none() {
                let message = format!("found {key:?}, expected {}", name.expected);
                out.push(Complaint::new(*line, path.clone(), message));
            }
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
    pub(super) fn each_section(&mut self, out: &mut Vec<Complaint>) -> Vec<(String, Section<'a>)> {
        let entries = std::mem::take(&mut self.entries);
        entries
            .into_iter()
            .map(|(line, key, node)| (key.into(), Section::new(line, node, &self.path(key), out)))
            .collect()
    }

    /// Complains about keys that nobody asked for.
    pub(super) fn finish(self, out: &mut Vec<Complaint>) {
        let unknown = self.entries.iter().filter(|(_, name, _)| !self.known.contains(name));
        for (number, (line, name, _)) in unknown.enumerate() {
            // What is only counted needs no search for a key that was meant.
            let message =
                if number < TOLD { unknown_key(name, &self.known) } else { "unknown key".to_string() };
            out.push(Complaint::new(*line, self.path(name), message));
        }
    }

    fn take(&mut self, name: &'static str) -> Option<(usize, &'a Node)> {
        self.known.insert(name);
        self.entries.iter().find(|(_, other, _)| *other == name).map(|(line, _, node)| (*line, *node))
    }

    fn items(
        &mut self,
        name: &'static str,
        expected: &str,
        out: &mut Vec<Complaint>,
    ) -> Option<(usize, &'a [Node])> {
        let (line, node) = self.take(name)?;
        match &node.value {
            Value::Null => None,
            Value::List(items) => Some((line, items)),
            _ => {
                let message = format!("found {}, expected {expected}", node.found());
                out.push(Complaint::new(line, self.path(name), message));
                None
            }
        }
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

/// What to say about an unknown key: the nearest known one, or all of them.
fn unknown_key<'a>(name: &str, known: impl IntoIterator<Item = &'a &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().copied().collect();
    let nearest = known.iter().map(|k| (strsim::damerau_levenshtein(name, k), k)).min();
    match nearest {
        Some((distance, key)) if distance <= (key.len() / 3).max(1) => {
            format!("unknown key, did you mean {key}?")
        }
        _ => format!("unknown key, expected one of {}", known.join(", ")),
    }
}
