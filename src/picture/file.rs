//! The snapshot file: a picture as lines of JSON, documented in docs/JSON.md. The first line is the header, and
//! each further one a target, so that a fleet is never in memory at once.

mod lists;
mod text;
mod usage;

use super::{Header, Origin, TargetPicture};
use crate::model::ids::Target;
use crate::model::observation::{CollectError, ErrorClass};
use crate::model::time::Timestamp;
use lists::{RawCatalog, RawQuota, RawRequest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read, Write};
use text::{timestamp, word};
use usage::RawUsage;

/// What the first line says it is.
const NAME: &str = "bedrock-quota-exporter";
/// Raised whenever a reader of the old one would misread the new one. Further keys do not raise it.
const VERSION: u64 = 1;
/// Of one line: 15 days of 10,000 busy ids would not fit, those of a thousand do.
const LONGEST_LINE: u64 = 1 << 30;

#[derive(Deserialize, Serialize)]
struct RawHeader {
    snapshot: String,
    version: u64,
    taken: String,
    origin: String,
    masked: bool,
    team_tag: Option<String>,
}

/// The last line: a file without it is not whole.
#[derive(Deserialize, Serialize)]
struct RawEnd {
    targets: usize,
}

/// How the last line begins, and no other.
const END: &[u8] = b"{\"targets\":";

#[derive(Deserialize, Serialize)]
struct RawTarget {
    account_id: String,
    account_name: Option<String>,
    region: String,
    quotas: Option<Vec<RawQuota>>,
    requests: Option<Vec<RawRequest>>,
    /// Older files have none.
    #[serde(default)]
    closed_requests: Vec<RawRequest>,
    catalog: Option<RawCatalog>,
    usage: Option<RawUsage>,
    /// Older files have none.
    #[serde(default)]
    reserved: Option<BTreeSet<String>>,
    troubles: Vec<RawTrouble>,
}

#[derive(Deserialize, Serialize)]
struct RawTrouble {
    class: String,
    message: String,
}

/// Writes the first line.
///
/// # Errors
/// Those of `out`.
pub fn write_header(out: &mut impl Write, header: &Header) -> io::Result<()> {
    let raw = RawHeader {
        snapshot: NAME.to_string(),
        version: VERSION,
        taken: header.taken.to_string(),
        origin: header.origin.word().to_string(),
        masked: header.masked,
        team_tag: header.team_tag.clone(),
    };
    serde_json::to_writer(&mut *out, &raw)?;
    out.write_all(b"\n")
}

/// Writes the line of one target.
///
/// # Errors
/// Those of `out`.
pub fn write_target(out: &mut impl Write, picture: &TargetPicture) -> io::Result<()> {
    let trouble = |trouble: &CollectError| RawTrouble {
        class: trouble.class.word().to_string(),
        message: trouble.message.clone(),
    };
    let quotas = picture.quotas.as_ref();
    let requests = quotas.and_then(|list| list.requests.as_ref());
    let raw = RawTarget {
        account_id: picture.target.account_id.to_string(),
        account_name: picture.account_name.clone(),
        region: picture.target.region.to_string(),
        quotas: quotas.map(|list| list.quotas.iter().map(|quota| RawQuota::from(&**quota)).collect()),
        requests: requests.map(|requests| requests.iter().map(RawRequest::from).collect()),
        closed_requests: quotas.iter().flat_map(|list| &list.closed).map(RawRequest::from).collect(),
        catalog: picture.catalog.as_ref().map(RawCatalog::from),
        usage: picture.usage.as_ref().map(RawUsage::from),
        reserved: picture.reserved.clone(),
        troubles: picture.troubles.iter().map(trouble).collect(),
    };
    serde_json::to_writer(&mut *out, &raw)?;
    out.write_all(b"\n")
}

/// Writes the last line.
///
/// # Errors
/// Those of `out`.
pub fn write_end(out: &mut impl Write, targets: usize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &RawEnd { targets })?;
    out.write_all(b"\n")
}

/// Reads a snapshot line by line.
pub struct Reader<R> {
    name: String,
    input: R,
    line: Vec<u8>,
    number: usize,
    /// On which line each target stands.
    targets: BTreeMap<Target, usize>,
    pub header: Header,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header. `name`: of the file, for messages.
    ///
    /// # Errors
    /// One message that names the file, what was expected and what was found.
    pub fn new(name: &str, input: R) -> Result<Reader<R>, String> {
        let header =
            Header { taken: Timestamp::default(), origin: Origin::Aws, masked: false, team_tag: None };
        let mut reader = Reader {
            name: name.to_string(),
            input,
            line: Vec::new(),
            number: 0,
            targets: BTreeMap::new(),
            header,
        };
        let expected = "expected a snapshot as `snapshot save` writes it";
        if !reader.next_line()? {
            return Err(format!("{name}: {expected}, found an empty file"));
        }
        let found: serde_json::Value = serde_json::from_slice(&reader.line)
            .map_err(|error| format!("{name}: {expected}, found no JSON on line 1: {error}"))?;
        if found["snapshot"] != NAME {
            return Err(format!("{name}: {expected}, found JSON of something else on line 1"));
        }
        if found["version"].as_u64() != Some(VERSION) {
            let version = &found["version"];
            return Err(format!("{name}: expected a snapshot of version {VERSION}, found version {version}"));
        }
        let raw: RawHeader = serde_json::from_value(found).map_err(|error| reader.malformed(error))?;
        reader.header = Header {
            taken: timestamp(&raw.taken).map_err(|error| reader.malformed(error))?,
            origin: word(Origin::from_word, "origin", &raw.origin).map_err(|e| reader.malformed(e))?,
            masked: raw.masked,
            team_tag: raw.team_tag,
        };
        Ok(reader)
    }

    /// The next target; `None` after the last.
    ///
    /// # Errors
    /// One message that names the file and line, what was expected and what was found.
    pub fn target(&mut self) -> Result<Option<TargetPicture>, String> {
        let read = self.number - 1;
        if !self.next_line()? {
            return Err(format!("{}: found no end after {read} targets: the file is not whole", self.name));
        }
        if self.line.starts_with(END) {
            let end: RawEnd = serde_json::from_slice(&self.line).map_err(|error| self.malformed(error))?;
            if end.targets != read {
                return Err(self.malformed(format!("found {read} targets, expected {}", end.targets)));
            }
            // Two files in one would be read as the first alone.
            let end = self.number;
            while self.next_line()? {
                if !self.line.trim_ascii().is_empty() {
                    return Err(self.malformed(format!(
                        "found more after line {end}, where the snapshot ends: expected one snapshot in a file"
                    )));
                }
            }
            return Ok(None);
        }
        let raw: RawTarget = serde_json::from_slice(&self.line).map_err(|error| self.malformed(error))?;
        let picture = raw.into_picture().map_err(|error| self.malformed(error))?;
        if let Some(first) = self.targets.insert(picture.target.clone(), self.number) {
            // Its calls would be counted twice.
            let title = picture.title();
            return Err(self
                .malformed(format!("found {title}, which line {first} holds already: expected each once")));
        }
        Ok(Some(picture))
    }

    fn malformed(&self, error: impl std::fmt::Display) -> String {
        format!("{}: line {}: {error}", self.name, self.number)
    }

    /// Whether there was another line.
    fn next_line(&mut self) -> Result<bool, String> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.input).take(LONGEST_LINE);
        let read = bounded.read_until(b'\n', &mut self.line).map_err(|error| self.malformed(error))?;
        if read as u64 == LONGEST_LINE {
            return Err(self.malformed(format!("expected at most {LONGEST_LINE} bytes")));
        }
        Ok(read > 0)
    }
}

impl RawTarget {
    fn into_picture(self) -> Result<TargetPicture, String> {
        let requests = self.requests.map(|all| all.into_iter().map(RawRequest::into_request).collect());
        let requests = requests.transpose()?;
        let closed: Result<_, String> =
            self.closed_requests.into_iter().map(RawRequest::into_closed).collect();
        let closed = closed?;
        let quotas = self.quotas.map(|rows| lists::quota_list(rows, requests, closed)).transpose()?;
        let trouble = |raw: RawTrouble| {
            let class = word(ErrorClass::from_word, "class", &raw.class)?;
            Ok(CollectError::new(class, raw.message))
        };
        let troubles: Result<Vec<CollectError>, String> = self.troubles.into_iter().map(trouble).collect();
        Ok(TargetPicture {
            target: Target::new(&self.account_id, &self.region),
            account_name: self.account_name,
            quotas,
            catalog: self.catalog.map(RawCatalog::into_catalog).transpose()?,
            usage: self.usage.map(RawUsage::into_span).transpose()?,
            reserved: self.reserved,
            troubles: troubles?,
        })
    }
}
