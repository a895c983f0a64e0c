//! Faults: what goes wrong, for whom.

use super::desk::Call;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A fault and the requests it hits; what is not said hits all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// As in the credential scope: `monitoring`, `servicequotas`, `bedrock`, `sts`, `organizations`, `account`, `oam`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(flatten)]
    pub kind: Kind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An error: 429, 500, 503 or any other, with AWS's code for it or the one given.
    Status {
        status: u16,
        code: Option<String>,
    },
    AccessDenied,
    ExpiredToken,
    /// No answer, ever.
    Timeout,
    /// The connection is reset before an answer.
    Reset,
    /// One byte a second.
    Slow,
    /// Half the body, then the connection closes.
    Truncated,
    /// A page of HTML with status 200.
    ContentType,
    /// 50 MiB of blanks before the answer.
    HugeBody,
    /// The Date header is wrong by so many seconds.
    ClockSkew {
        seconds: i64,
    },
    /// Every other page is empty, with a token.
    EmptyPage,
    /// Every page has the same token.
    RepeatingToken,
    /// The first row of a page of quotas comes twice.
    DuplicateQuota,
    /// Every quota row carries an ErrorReason.
    ErrorReason,
    /// The first row of a page of quotas comes again, applied at RESOURCE level.
    ResourceRow,
    /// Values, of quotas or of datapoints, are negated.
    NegativeValue,
    NanValue,
    HugeValue,
    /// Quota rows have no Value; series have fewer Values than Timestamps.
    MissingValue,
    /// Series stop half-way with StatusCode PartialData.
    PartialData,
    /// Series have no points and StatusCode InternalError.
    InternalError,
    /// Series have no points and StatusCode Forbidden.
    Forbidden,
    /// Points come out of order, and the first of them twice.
    Unordered,
    /// Points lie an hour ahead.
    FuturePoints,
}

impl Fault {
    /// A fault that hits every request.
    pub fn new(kind: Kind) -> Fault {
        Fault { account: None, region: None, service: None, operation: None, kind }
    }

    /// Whether a request meets it.
    pub fn hits(&self, call: &Call) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        fits(&self.account, &call.account)
            && fits(&self.region, &call.region)
            && fits(&self.service, &call.service)
            && fits(&self.operation, &call.operation)
    }
}

/// Spoils a reply that was right.
pub fn spoil(reply: &mut Value, kinds: &[Kind]) {
    for kind in kinds {
        if let Kind::RepeatingToken = kind {
            repeat_token(reply);
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

fn spoil_quotas(rows: &mut Vec<Value>, kind: &Kind) {
    let value = match kind {
        Kind::DuplicateQuota => return rows.extend(rows.first().cloned()),
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

    #[test]
    fn a_fault_is_written_as_plain_json() {
        let text = r#"{"account":"000000000001","operation":"GetMetricData","kind":"status","status":503}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let kind = Kind::Status { status: 503, code: None };
        let wanted = Fault {
            account: Some("000000000001".into()),
            operation: Some("GetMetricData".into()),
            ..Fault::new(kind)
        };
        assert_eq!(fault, wanted);
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"gremlins"}"#).is_err());
    }

    #[test]
    fn a_fault_hits_only_whom_it_names() {
        let call = |account: &str, operation: &str| Call {
            service: "monitoring".into(),
            operation: operation.into(),
            account: account.into(),
            region: "us-east-1".into(),
        };
        let fault = Fault {
            account: Some("1".into()),
            operation: Some("ListMetrics".into()),
            ..Fault::new(Kind::Reset)
        };
        assert!(fault.hits(&call("1", "ListMetrics")));
        assert!(!fault.hits(&call("2", "ListMetrics")));
        assert!(!fault.hits(&call("1", "GetMetricData")));
        assert!(Fault::new(Kind::Reset).hits(&call("2", "GetMetricData")));
    }

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
        assert_eq!(rows(Kind::ResourceRow)[2]["QuotaAppliedAtLevel"], "RESOURCE");
        assert!(rows(Kind::ErrorReason)[1]["ErrorReason"]["ErrorCode"].is_string());
        assert_eq!(rows(Kind::NegativeValue)[0]["Value"], -1.0);
        assert_eq!(rows(Kind::NanValue)[0]["Value"], "NaN");
        assert_eq!(rows(Kind::MissingValue)[0], json!({"QuotaCode": "L-1"}));
        assert_eq!(spoilt(page.clone(), Kind::RepeatingToken)["NextToken"], SAME_TOKEN);
        assert_eq!(spoilt(page.clone(), Kind::PartialData), page);
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
