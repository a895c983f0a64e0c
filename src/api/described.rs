//! Types that tell their JSON Schema: the OpenAPI description is made of what is answered.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A type of JSON, described by JSON Schema 2020-12.
pub trait Described {
    fn schema() -> Value;
}

/// A struct of an answer, with its schema.
macro_rules! described {
    ($(#[doc = $about:literal])* $name:ident {
        $($(#[doc = $doc:literal])* $(#[serde($($how:tt)+)])? $field:ident: $type:ty,)+
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[allow(unreachable_pub, reason = "some of them stand in modules that are private")]
        pub struct $name {
            $($(#[doc = $doc])* $(#[serde($($how)+)])? pub $field: $type,)+
        }

        impl $crate::api::described::Described for $name {
            fn schema() -> serde_json::Value {
                $crate::api::described::object([$($crate::api::described::Member {
                    name: stringify!($field),
                    serde: concat!($(stringify!($($how)+))?),
                    about: concat!($($doc),*),
                    schema: <$type as $crate::api::described::Described>::schema(),
                }),+])
            }
        }
    };
}
pub(crate) use described;

/// A field of a struct.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// What its attribute `serde` says; empty without one.
    pub(crate) serde: &'static str,
    pub(crate) about: &'static str,
    pub(crate) schema: Value,
}

pub(crate) fn object<const N: usize>(members: [Member; N]) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for Member { name, serde, about, mut schema } in members {
        if serde == "flatten" {
            if let (Value::Object(inner), Value::Array(needed)) =
                (schema["properties"].take(), schema["required"].take())
            {
                properties.extend(inner);
                required.extend(needed);
            }
            continue;
        }
        let name = serde.strip_prefix("rename = ").map_or(name, |name| name.trim_matches('"'));
        if !about.is_empty() {
            schema["description"] = about.trim().into();
        }
        if !serde.starts_with("skip_serializing_if") {
            required.push(name.into());
        }
        properties.insert(name.to_string(), schema);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

macro_rules! plain {
    ($($type:ty: $schema:tt,)+) => {
        $(impl Described for $type {
            fn schema() -> Value {
                json!($schema)
            }
        })+
    };
}

plain! {
    String: {"type": "string"},
    &'static str: {"type": "string"},
    bool: {"type": "boolean"},
    f64: {"type": "number"},
    i64: {"type": "integer"},
    u64: {"type": "integer", "minimum": 0},
    u16: {"type": "integer", "minimum": 0},
    usize: {"type": "integer", "minimum": 0},
}

/// Null where it is not known.
impl<T: Described> Described for Option<T> {
    fn schema() -> Value {
        json!({"anyOf": [T::schema(), {"type": "null"}]})
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema() -> Value {
        json!({"type": "array", "items": T::schema()})
    }
}

impl<K, T: Described> Described for BTreeMap<K, T> {
    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    described! {
        /// Where.
        Inner {
            place: String,
        }
    }

    described! {
        /// What.
        Outer {
            #[serde(flatten)]
            inner: Inner,
            /// In metres.
            length: Option<f64>,
            #[serde(rename = "type")]
            kind: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<String>,
        }
    }

    #[test]
    fn a_schema_has_the_members_that_serde_writes() {
        let inner = Inner { place: String::new() };
        let outer = Outer { inner, length: None, kind: "", note: Some(String::new()) };
        let written = serde_json::to_value(outer).unwrap();
        let schema = Outer::schema();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&schema["properties"]), names(&written));
        assert_eq!(schema["required"], json!(["place", "length", "type"]));
        assert_eq!(schema["properties"]["length"]["description"], "In metres.");
        assert_eq!(schema["properties"]["length"]["anyOf"][1]["type"], "null");
    }
}
