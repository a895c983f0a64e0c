//! Every quota of the service, whether or not it belongs to a model.

use crate::exposition::row::{APPLIED, DEFAULTS, Row, adjustable, gauge, seconds, target};
use crate::exposition::text::Samples;
use crate::exposition::view::View;
use crate::model::coverage::coverage;
use crate::model::evaluation::QuotaStatus;
use crate::model::ids::UsageSource;
use crate::model::matching;
use crate::model::meter::meter;
use crate::model::quota::{IncreaseRequest, ServiceQuota};
use std::collections::BTreeMap;

const REQUESTS: &str = "Service Quotas ListRequestedServiceQuotaChangeHistory";

pub(super) const ROWS: &[Row] = &[
    gauge(
        "bedrock_service_quota_applied",
        target!("quota_code"),
        "The applied value of any quota of the service bedrock. Absent where AWS lists none, or an error \
         in its place.",
        APPLIED,
        |view, out| each_row(view, out, ServiceQuota::limit),
    ),
    gauge(
        "bedrock_service_quota_default",
        target!("quota_code"),
        "AWS's default value of any quota of the service bedrock.",
        DEFAULTS,
        |view, out| each_row(view, out, |row| row.default),
    ),
    gauge(
        "bedrock_service_quota_info",
        target!("quota_code", "quota_name", "adjustable", "family", "measured_by", "bound", "unmeasurable"),
        "Name of a quota of the service bedrock, what family of quotas its name belongs to, and what measures it \
         (bound lower: the fullest second may have held more), or why nothing does; always 1.",
        APPLIED,
        infos,
    ),
    gauge(
        "bedrock_service_quota_increase_requested",
        target!("quota_code", "status"),
        "The value that an open increase request asks for.",
        REQUESTS,
        |view, out| each_request(view, out, |request| request.desired),
    ),
    gauge(
        "bedrock_service_quota_increase_created_timestamp_seconds",
        target!("quota_code", "status"),
        "When an open increase request was made, in seconds since the epoch.",
        REQUESTS,
        |view, out| each_request(view, out, |request| seconds(request.created)),
    ),
];

fn each_row(view: &View<'_>, out: &mut Samples<'_>, value: fn(&ServiceQuota) -> Option<f64>) {
    for row in &view.inventory {
        out.put(&[&row.code], &[], value(row));
    }
}

fn infos(view: &View<'_>, out: &mut Samples<'_>) {
    let quotas = view.evaluation.quotas.iter();
    let of_models: BTreeMap<&str, &QuotaStatus> =
        quotas.map(|status| (&*status.quota.key.code, &**status)).collect();
    for row in &view.inventory {
        let family = matching::family(&row.name).word();
        let model = of_models.get(row.code.as_str());
        let model = model.map(|status| (&status.quota.key, status.usage_source != UsageSource::None));
        let (measured_by, unmeasurable) = match coverage(row, model) {
            Ok(by) => (by.word(), ""),
            Err(why) => ("", why.word()),
        };
        let (adjustable, bound) = (adjustable(row.adjustable), bound(row, measured_by));
        out.put(&[&row.code], &[&row.name, adjustable, family, measured_by, bound, unmeasurable], 1.0);
    }
}

/// Whether the fullest span may have held more than is known.
fn bound(row: &ServiceQuota, measured_by: &str) -> &'static str {
    match meter(row) {
        _ if measured_by.is_empty() => "",
        Ok(meter) if meter.counts.is_lower_bound() => "lower",
        _ => "exact",
    }
}

fn each_request(view: &View<'_>, out: &mut Samples<'_>, value: fn(&IncreaseRequest) -> Option<f64>) {
    for request in &view.requests {
        out.put(&[&request.quota_code, &request.status], &[], value(request));
    }
}
