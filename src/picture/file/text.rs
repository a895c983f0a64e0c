//! Words and times, as a snapshot file writes them.

use crate::model::time::Timestamp;

/// A word of an enum.
pub(super) fn word<T>(of: fn(&str) -> Option<T>, key: &str, found: &str) -> Result<T, String> {
    of(found).ok_or_else(|| format!("{key}: found {found:?}, which no version of this program writes"))
}

/// RFC 3339, to the second.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    let format = &time::format_description::well_known::Rfc3339;
    let parsed = time::OffsetDateTime::parse(text, format);
    let at = parsed.map_err(|_| format!("found {text:?}, expected a time such as 2026-11-26T09:00:00Z"))?;
    Ok(Timestamp(at.unix_timestamp()))
}
