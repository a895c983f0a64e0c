//! YAML text as a tree that remembers its lines.

use crate::model::redaction;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use std::borrow::Cow;

/// A value of the file and the line it starts on, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// As written, its quotes removed: what it means depends on where it stands.
    Scalar(String),
    List(Vec<Node>),
    /// In the file's order, with the line of each key; a key may come twice.
    Map(Vec<(usize, String, Node)>),
}

/// As many characters of a text are shown: a whole file may be one text.
const SHOWN: usize = 120;

impl Node {
    /// What it is, for a message.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Scalar(text) => quoted(&without_secrets(text)),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a mapping".into(),
        }
    }
}

/// The full key of `name` in a section, for a message. In quotes where its characters alone could mislead, or move the
/// cursor of a terminal.
pub(super) fn path(section: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && !name.contains(|c: char| c.is_control() || c.is_whitespace());
    let name = if is_plain && name.chars().nth(SHOWN).is_none() { name.into() } else { quoted(name) };
    if section.is_empty() { name } else { format!("{section}.{name}") }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A URL may hold a password, also one without its scheme, or a token in its query, and messages end in logs.
fn without_secrets(text: &str) -> Cow<'_, str> {
    // Not the session of somebody whom an ARN names by a mail address.
    let is_user = |(before, _): (&str, &str)| !before.starts_with("arn:") && before.contains(':');
    let is_query = |at: usize| text[at..].contains('=');
    let may_hold_some = text.contains("://")
        || text.rsplit_once('@').is_some_and(is_user)
        || text.find(['?', '#']).is_some_and(is_query);
    if may_hold_some { redaction::url(text).into() } else { text.into() }
}

/// Why a text is no YAML that a config may be written in.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub line: usize,
    pub why: String,
}

/// Deeper than any config; bounds the recursion.
const MAX_DEPTH: usize = 16;

/// Parses a single document; an empty text is `Null`.
pub(super) fn parse(text: &str) -> Result<Node, Refused> {
    refuse_control_characters(text)?;
    read(text).map_err(|refused| indented_by_a_tab(text, refused.line).unwrap_or(refused))
}

/// The parser takes some of them for the end of the text, or tells another line.
fn refuse_control_characters(text: &str) -> Result<(), Refused> {
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.char_indices().find(|(_, c)| !is_text(*c)) {
        Some((at, c)) => Err(Refused {
            line: 1 + text[..at].matches('\n').count(),
            why: format!("found the control character U+{:04X}, expected text without it", c as u32),
        }),
        None => Ok(()),
    }
}

/// What a refusal in or just before such a line is about.
fn indented_by_a_tab(text: &str, line: usize) -> Option<Refused> {
    let indent = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
    let around = text.lines().zip(1..).filter(|(_, number)| (line..=line + 1).contains(number));
    let line = around.into_iter().find(|(text, _)| indent(text)).map(|(_, number)| number)?;
    Some(Refused { line, why: "found a tab before the text, expected spaces".into() })
}

fn read(text: &str) -> Result<Node, Refused> {
    let mut events = Events { parser: Parser::new_from_str(text), line: 1 };
    let mut document = None;
    loop {
        match events.next()? {
            Event::StreamEnd => return Ok(document.unwrap_or(Node { line: 1, value: Value::Null })),
            Event::DocumentStart(_) if document.is_some() => return Err(events.refuse("a second document")),
            Event::DocumentStart(_) => {
                let first = events.next()?;
                document = Some(events.node(first, 0)?);
            }
            _ => {}
        }
    }
}

struct Events<'a> {
    parser: Parser<'a, StrInput<'a>>,
    line: usize,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<Event<'a>, Refused> {
        let ended = || Err(ScanError::new_str(Default::default(), "the text ends too early"));
        let (event, span) = self.parser.next_event().unwrap_or_else(ended).map_err(|error| Refused {
            line: error.marker().line().max(self.line),
            why: format!("not YAML: {}{}", error.info(), remedy(error.info())),
        })?;
        self.line = span.start.line();
        Ok(event)
    }

    fn refuse(&self, what: &str) -> Refused {
        Refused { line: self.line, why: format!("found {what}, expected plain YAML without it") }
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Refused> {
        let line = self.line;
        if depth > MAX_DEPTH {
            return Err(self.refuse("deep nesting"));
        }
        let value = match event {
            Event::Alias(_) => return Err(self.refuse("an alias")),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(self.refuse("a tag"));
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => Value::Null,
            Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(self.refuse("an unexpected mark")),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Refused> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Refused> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.refuse("a key that is not a word")),
            };
            let line = self.line;
            let event = self.next()?;
            entries.push((line, key, self.node(event, depth + 1)?));
        }
    }
}

/// What helps, where the parser's words do not say it.
fn remedy(info: &str) -> &'static str {
    const REMEDIES: [(&str, &str); 6] = [
        ("did not find expected key", "; keys of one section begin in the same column"),
        ("simple key expect", "; the line before has a key without \": \""),
        ("mapping values are not allowed", "; a text with \": \" in it stands in quotes"),
        ("unexpected character", "; a text that begins with it stands in quotes"),
        ("quoted scalar, found unexpected end", "; a quote is not closed"),
        ("unknown escape character", "; a backslash stands in single quotes"),
    ];
    let fits = REMEDIES.iter().find(|(part, _)| info.contains(part));
    fits.map_or("", |(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_lines_and_keeps_what_was_written() {
        let scalar = |line, text: &str| Node { line, value: Value::Scalar(text.into()) };
        let list =
            Value::List(vec![scalar(3, "012"), scalar(4, "null"), Node { line: 5, value: Value::Null }]);
        let map = vec![(2, "a".into(), Node { line: 3, value: list }), (6, "b".into(), scalar(6, "yes"))];
        let text = "# comment\na:\n  - 012\n  - 'null'\n  - null\nb: yes\n";
        assert_eq!(parse(text), Ok(Node { line: 2, value: Value::Map(map) }));
    }

    #[test]
    fn nothing_is_null() {
        for text in ["", "# only a comment\n", "---\n"] {
            assert_eq!(parse(text).map(|n| n.value), Ok(Value::Null), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_overflowed() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&format!("{}{}", "[".repeat(20), "]".repeat(20))).is_err());
    }
}
