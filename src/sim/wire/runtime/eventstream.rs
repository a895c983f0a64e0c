//! Event streams: `application/vnd.amazon.eventstream`, messages with headers, lengths and checksums.

use flate2::Crc;
use serde_json::Value;

pub(super) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
/// The type of a header whose value is a string.
const STRING: u8 = 7;

/// An event of a stream.
pub(super) fn event(name: &str, payload: &Value) -> Vec<u8> {
    message(
        &[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")],
        payload,
    )
}

/// An error within a stream, such as `throttlingException`.
pub(super) fn exception(name: &str, payload: &Value) -> Vec<u8> {
    let headers =
        [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    message(&headers, payload)
}

/// Total length, length of the headers, their checksum, headers, payload, and the checksum of all that.
fn message(headers: &[(&str, &str)], payload: &Value) -> Vec<u8> {
    let payload = payload.to_string().into_bytes();
    let headers: Vec<u8> = headers.iter().flat_map(|(name, value)| header(name, value)).collect();
    let length = 16 + headers.len() + payload.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend((headers.len() as u32).to_be_bytes());
    bytes.extend(checksum(&bytes));
    bytes.extend(headers);
    bytes.extend(payload);
    bytes.extend(checksum(&bytes));
    bytes
}

fn header(name: &str, value: &str) -> Vec<u8> {
    let (name, value) = (name.as_bytes(), value.as_bytes());
    [&[name.len() as u8][..], name, &[STRING], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_has_lengths_headers_payload_and_checksums() {
        let bytes = event("messageStop", &json!({"stopReason": "end_turn"}));
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (length, headers) = (number(0) as usize, number(4) as usize);
        assert_eq!(length, bytes.len());
        assert_eq!(&bytes[12 + headers..length - 4], br#"{"stopReason":"end_turn"}"#);
        assert_eq!(bytes[12..25], *b"\x0b:event-type\x07");
        assert_eq!(
            (bytes[8..12].to_vec(), bytes[length - 4..].to_vec()),
            (checksum(&bytes[..8]).to_vec(), checksum(&bytes[..length - 4]).to_vec())
        );
        // The check value of CRC-32.
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926_u32.to_be_bytes());
    }
}
