//! What every JSON document of the tools has around it: docs/JSON.md.

use crate::picture::{Header, TargetPicture};
use serde_json::{Number, Value, json};

/// Raised whenever a reader of the old shape would misread the new one. Further keys do not raise it.
pub const VERSION: u64 = 1;

/// A document of that kind; what is in it comes under `body`'s keys.
pub fn document(kind: &str, header: &Header, body: Value) -> String {
    let mut document = json!({
        "version": VERSION,
        "kind": kind,
        "taken": header.taken.to_string(),
        "origin": header.origin.word(),
    });
    if let (Value::Object(document), Value::Object(body)) = (&mut document, body) {
        document.extend(body);
    }
    format!("{document:#}\n")
}

/// A document about no picture: it was taken nowhere, at no time.
pub fn bare(kind: &str, body: Value) -> String {
    let mut document = json!({"version": VERSION, "kind": kind});
    if let (Value::Object(document), Value::Object(body)) = (&mut document, body) {
        document.extend(body);
    }
    format!("{document:#}\n")
}

/// Whose something is.
pub fn target(picture: &TargetPicture) -> Value {
    json!({
        "account_id": &*picture.target.account_id,
        "account_name": picture.account_name,
        "region": &*picture.target.region,
    })
}

/// A number, whole where it is: 2000 rather than 2000.0. `null`: unknown.
pub fn number(value: Option<f64>) -> Value {
    let Some(value) = value else { return Value::Null };
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
