//! CBOR as Smithy RPC v2 speaks it, to and from JSON values.

use minicbor::data::{IanaTag, Tag, Type};
use minicbor::decode::{Decoder, Error};
use minicbor::encode::Encoder;
use serde_json::{Map, Value, json};
use std::convert::Infallible;

/// Reads one item; timestamps become seconds.
pub fn decode(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let mut decoder = Decoder::new(bytes);
    let value = item(&mut decoder, 0)?;
    if decoder.position() < bytes.len() {
        return Err(Error::message("bytes after the item"));
    }
    Ok(value)
}

/// Nested deeper than any request of CloudWatch.
const TOO_DEEP: u32 = 32;

fn item(d: &mut Decoder, depth: u32) -> Result<Value, Error> {
    if depth > TOO_DEEP {
        return Err(Error::message("nested too deep"));
    }
    Ok(match d.datatype()? {
        Type::Bool => json!(d.bool()?),
        Type::Null => d.null().map(|()| Value::Null)?,
        Type::Undefined => d.undefined().map(|()| Value::Null)?,
        Type::F16 | Type::F32 | Type::F64 => json!(d.f64()?),
        Type::String => json!(d.str()?),
        Type::StringIndef => json!(d.str_iter()?.collect::<Result<String, _>>()?),
        Type::Tag => {
            d.tag()?;
            item(d, depth + 1)?
        }
        Type::Array | Type::ArrayIndef => {
            let mut list = Vec::new();
            let mut left = d.array()?;
            while another(d, &mut left)? {
                list.push(item(d, depth + 1)?);
            }
            Value::Array(list)
        }
        Type::Map | Type::MapIndef => {
            let mut map = Map::new();
            let mut left = d.map()?;
            while another(d, &mut left)? {
                let Value::String(key) = item(d, depth + 1)? else {
                    return Err(Error::message("a key that is no string"));
                };
                map.insert(key, item(d, depth + 1)?);
            }
            Value::Object(map)
        }
        Type::Bytes | Type::BytesIndef => return Err(Error::message("bytes, which no request has")),
        _ => json!(d.i64()?),
    })
}

/// Tells whether a list or map goes on; `left` is its length, if it was told.
fn another(d: &mut Decoder, left: &mut Option<u64>) -> Result<bool, Error> {
    match left {
        Some(0) => Ok(false),
        Some(n) => {
            *n -= 1;
            Ok(true)
        }
        None if d.datatype()? == Type::Break => d.skip().map(|()| false),
        None => Ok(true),
    }
}

/// Writes a reply. What lies under `Timestamps` is a timestamp and what lies under `Values` a float,
/// `"NaN"` included, which JSON protocols spell as a string.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, "", value).expect("writing to memory cannot fail");
    encoder.into_writer()
}

fn write(
    e: &mut Encoder<Vec<u8>>,
    key: &str,
    value: &Value,
) -> Result<(), minicbor::encode::Error<Infallible>> {
    match value {
        Value::Null => e.null()?.ok(),
        Value::Bool(b) => e.bool(*b)?.ok(),
        Value::Number(n) if key == "Timestamps" => {
            e.tag(Tag::from(IanaTag::Timestamp))?.f64(n.as_f64().unwrap_or(f64::NAN))?.ok()
        }
        Value::Number(n) if key != "Values" && n.is_i64() => e.i64(n.as_i64().unwrap_or_default())?.ok(),
        Value::Number(n) => e.f64(n.as_f64().unwrap_or(f64::NAN))?.ok(),
        Value::String(_) if key == "Values" => e.f64(f64::NAN)?.ok(),
        Value::String(s) => e.str(s)?.ok(),
        Value::Array(list) => {
            e.array(list.len() as u64)?;
            list.iter().try_for_each(|v| write(e, key, v))
        }
        Value::Object(map) => {
            e.map(map.len() as u64)?;
            map.iter().try_for_each(|(k, v)| {
                e.str(k)?;
                write(e, k, v)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let value =
            json!({"Id": "q1", "Period": 60, "ReturnData": true, "Label": null, "List": [{"A": -1.5}, []]});
        assert_eq!(decode(&encode(&value)).unwrap(), value);
    }

    #[test]
    fn lists_of_unknown_length_and_half_floats_are_read() {
        // {_ "a": [_ 1, -2, 1.0 as half, timestamp 60]}
        let bytes = b"\xbf\x61a\x9f\x01\x21\xf9\x3c\x00\xc1\x18\x3c\xff\xff";
        assert_eq!(decode(bytes).unwrap(), json!({"a": [1, -2, 1.0, 60]}));
    }

    #[test]
    fn timestamps_are_tagged_and_missing_numbers_are_nan() {
        let bytes = encode(&json!({"Timestamps": [60], "Values": ["NaN", 1]}));
        let mut decoder = Decoder::new(&bytes);
        assert_eq!((decoder.map().unwrap(), decoder.str().unwrap()), (Some(2), "Timestamps"));
        assert_eq!((decoder.array().unwrap(), decoder.tag().unwrap()), (Some(1), Tag::new(1)));
        assert_eq!((decoder.f64().unwrap(), decoder.str().unwrap()), (60.0, "Values"));
        assert_eq!(decoder.array().unwrap(), Some(2));
        assert!(decoder.f64().unwrap().is_nan());
        assert_eq!(decoder.f64().unwrap(), 1.0);
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = [vec![0x81; 1000], vec![0x01]].concat();
        for bytes in [&b"\xbf"[..], b"\x01\x01", b"\x41a", b"\xa1\x01\x01", &deep] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
