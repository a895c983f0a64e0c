//! Replies that were right, spoilt.

use crate::sim::faults::Kind;
use serde_json::{Value, json};

/// Spoils a reply that was right.
pub fn spoil(reply: &mut Value, kinds: &[Kind]) {
    for kind in kinds {
        match kind {
            Kind::RepeatingToken => repeat_token(reply),
            Kind::CutList => drop_token(reply),
            _ => {}
        }
        if let Some(rows) = reply.get_mut("Quotas").and_then(Value::as_array_mut) {
            spoil_quotas(rows, kind);
        }
        for series in reply.get_mut("MetricDataResults").and_then(Value::as_array_mut).into_iter().flatten() {
            spoil_series(series, kind);
        }
    }
}

/// The token that [`Kind::RepeatingToken`] hands out; lists accept it as their beginning.
pub const SAME_TOKEN: &str = "again";

fn repeat_token(reply: &mut Value) {
    let Some(reply) = reply.as_object_mut() else { return };
    let camel_case = reply.keys().any(|key| key.starts_with(|c: char| c.is_ascii_lowercase()));
    reply.insert(if camel_case { "nextToken" } else { "NextToken" }.into(), json!(SAME_TOKEN));
}

fn drop_token(reply: &mut Value) {
    if let Some(reply) = reply.as_object_mut() {
        reply.retain(|member, _| !member.eq_ignore_ascii_case("nexttoken"));
    }
}

fn spoil_quotas(rows: &mut Vec<Value>, kind: &Kind) {
    let value = match kind {
        Kind::DuplicateQuota => return rows.extend(rows.first().cloned()),
        Kind::ContradictingQuota => {
            let other = rows.first().cloned().map(|mut row| {
                row["Value"] = json!(row["Value"].as_f64().unwrap_or_default() + 1.0);
                row
            });
            return rows.extend(other);
        }
        Kind::ResourceRow => {
            let resource = rows.first().cloned().map(|mut row| {
                row["QuotaAppliedAtLevel"] = json!("RESOURCE");
                row["Value"] = json!(1.0);
                row
            });
            return rows.extend(resource);
        }
        Kind::ErrorReason => {
            let reason = json!({"ErrorCode": "DEPENDENCY_SERVICE_ERROR", "ErrorMessage": "simulated"});
            return rows.iter_mut().for_each(|row| row["ErrorReason"] = reason.clone());
        }
        Kind::NegativeValue => json!(-1.0),
        Kind::NanValue => json!("NaN"),
        Kind::HugeValue => json!(1e300),
        Kind::MissingValue => Value::Null,
        _ => return,
    };
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.insert("Value".into(), value.clone());
        row.retain(|_, member| !member.is_null());
    }
}

fn spoil_series(series: &mut Value, kind: &Kind) {
    let mut each = |list: &str, change: &dyn Fn(&mut Vec<Value>)| {
        series.get_mut(list).and_then(Value::as_array_mut).map(change);
    };
    let all = |value: Value| move |values: &mut Vec<Value>| values.fill(value.clone());
    let disorder = |list: &mut Vec<Value>| {
        list.reverse();
        list.extend(list.first().cloned());
    };
    match kind {
        Kind::NegativeValue => each("Values", &all(json!(-1.0))),
        Kind::NanValue => each("Values", &all(json!("NaN"))),
        Kind::HugeValue => each("Values", &all(json!(1e300))),
        Kind::MissingValue => each("Values", &|values| {
            values.pop();
        }),
        Kind::FuturePoints => each("Timestamps", &|times| {
            times.iter_mut().for_each(|t| *t = json!(t.as_f64().unwrap_or(0.0) + 3600.0));
        }),
        Kind::Unordered => ["Timestamps", "Values"].iter().for_each(|list| each(list, &disorder)),
        Kind::PartialData => {
            ["Timestamps", "Values"].iter().for_each(|list| each(list, &|l| l.truncate(l.len() / 2)));
            series["StatusCode"] = json!("PartialData");
        }
        Kind::InternalError | Kind::Forbidden => {
            ["Timestamps", "Values"].iter().for_each(|list| each(list, &|l| l.clear()));
            let forbidden = *kind == Kind::Forbidden;
            series["StatusCode"] = json!(if forbidden { "Forbidden" } else { "InternalError" });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(mut reply: Value, kind: Kind) -> Value {
        spoil(&mut reply, &[kind]);
        reply
    }

    #[test]
    fn quotas_are_spoilt() {
        let page =
            json!({"Quotas": [{"QuotaCode": "L-1", "Value": 5.0}, {"QuotaCode": "L-2", "Value": 7.0}]});
        let rows = |kind| spoilt(page.clone(), kind)["Quotas"].clone();
        assert_eq!(rows(Kind::DuplicateQuota)[2], page["Quotas"][0]);
        assert_eq!(rows(Kind::ContradictingQuota)[2], json!({"QuotaCode": "L-1", "Value": 6.0}));
        assert_eq!(rows(Kind::ResourceRow)[2]["QuotaAppliedAtLevel"], "RESOURCE");
        assert!(rows(Kind::ErrorReason)[1]["ErrorReason"]["ErrorCode"].is_string());
        assert_eq!(rows(Kind::NegativeValue)[0]["Value"], -1.0);
        assert_eq!(rows(Kind::NanValue)[0]["Value"], "NaN");
        assert_eq!(rows(Kind::MissingValue)[0], json!({"QuotaCode": "L-1"}));
        assert_eq!(spoilt(page.clone(), Kind::RepeatingToken)["NextToken"], SAME_TOKEN);
        assert_eq!(spoilt(page.clone(), Kind::PartialData), page);
        let first = json!({"Quotas": [], "NextToken": "page-1-100"});
        assert_eq!(spoilt(first, Kind::CutList), json!({"Quotas": []}));
    }

    #[test]
    fn series_are_spoilt() {
        let page = json!({"MetricDataResults": [{"Timestamps": [180, 120, 60], "Values": [3.0, 2.0, 1.0], "StatusCode": "Complete"}]});
        let series = |kind| spoilt(page.clone(), kind)["MetricDataResults"][0].clone();
        assert_eq!(
            series(Kind::PartialData),
            json!({"Timestamps": [180], "Values": [3.0], "StatusCode": "PartialData"})
        );
        assert_eq!(
            series(Kind::InternalError),
            json!({"Timestamps": [], "Values": [], "StatusCode": "InternalError"})
        );
        assert_eq!(series(Kind::Unordered)["Timestamps"], json!([60, 120, 180, 60]));
        assert_eq!(series(Kind::Unordered)["Values"], json!([1.0, 2.0, 3.0, 1.0]));
        assert_eq!(series(Kind::FuturePoints)["Timestamps"], json!([3780.0, 3720.0, 3660.0]));
        assert_eq!(series(Kind::MissingValue)["Values"], json!([3.0, 2.0]));
        assert_eq!(series(Kind::HugeValue)["Values"], json!([1e300, 1e300, 1e300]));
    }
}
