//! The query protocol: forms in, XML out.

use serde_json::{Value, json};

/// The fields of a form, all of them strings.
pub fn form(text: &str) -> Value {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(k, v)| (unescape(k), json!(unescape(v)))).collect::<serde_json::Map<_, _>>().into()
}

/// Undoes percent-encoding.
pub fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16)).unwrap_or(0) as u8;
                digit() << 4 | digit()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A reply, or an error, in STS's XML.
pub fn xml(operation: &str, reply: &Value) -> String {
    const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
    const REQUEST: &str = "<RequestId>00000000-0000-4000-8000-000000000000</RequestId>";
    if let (Some(code), message) = (reply["__type"].as_str(), &reply["message"]) {
        let error = element("Error", &json!({"Type": "Sender", "Code": code, "Message": message}));
        return format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{error}{REQUEST}</ErrorResponse>");
    }
    let result = element(&format!("{operation}Result"), reply);
    format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\">{result}<ResponseMetadata>{REQUEST}</ResponseMetadata></{operation}Response>"
    )
}

fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| element(name, value)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}
