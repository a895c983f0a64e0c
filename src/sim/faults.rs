//! Faults: what goes wrong, for whom.

use super::call::ApiCall;
use serde::{Deserialize, Serialize};

/// A fault and the requests it hits; what is not said hits all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// As in the credential scope: `monitoring`, `servicequotas`, `bedrock`, `sts`, `organizations`, `account`, `oam`; or `bedrock-runtime`.
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
    /// The runtime is overloaded: 529, with Retry-After if so many seconds are given.
    Overloaded {
        retry_after: Option<u64>,
    },
    /// A stream of the runtime breaks after so many deltas: no usage, no end.
    StreamCut {
        after: u64,
    },
    /// A stream of the runtime ends after so many deltas in a throttlingException.
    StreamThrottled {
        after: u64,
    },
    AccessDenied,
    ExpiredToken,
    /// The signature is said to be another's, with the whole request that it should have been of: its session token, too.
    WrongSignature,
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
    /// Status 200, and nothing in the body.
    EmptyBody,
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
    /// Lists end after their first page, as if there were no more.
    CutList,
    /// ListTagsForResource is denied for the one resource whose ARN ends like this.
    ResourceDenied {
        resource: String,
    },
    /// The first row of a page of quotas comes twice.
    DuplicateQuota,
    /// The first row of a page of quotas comes twice, with another value the second time.
    ContradictingQuota,
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

    /// Tells whether a request meets it.
    pub fn hits(&self, call: &ApiCall) -> bool {
        fits(&self.account, &call.account)
            && fits(&self.region, &call.region)
            && fits(&self.service, &call.service)
            && fits(&self.operation, &call.operation)
    }
}

/// What is not said fits everything.
fn fits(wanted: &Option<String>, is: &str) -> bool {
    wanted.as_deref().is_none_or(|wanted| wanted == is)
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
        let call = |account: &str, operation: &str| ApiCall {
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
}
