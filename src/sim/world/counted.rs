//! What CloudWatch counts beside the calls of models: calls of control planes and things of a kind in AWS/Usage,
//! guardrails, batch inference.

use super::point::Point;
use super::stream::{Demand, Stream};
use std::ops::Range;

/// One series of its own.
#[derive(Clone, Debug)]
pub struct Counted {
    pub namespace: &'static str,
    pub metric: &'static str,
    /// Name and value.
    pub dimensions: Vec<(&'static str, String)>,
    /// Of a minute. Two series of one `source` count parts of the same.
    pub amount: Demand,
    pub source: String,
    pub share: f64,
    /// The span in which there is any, in seconds.
    pub active: Range<i64>,
    /// Minutes between two datapoints. What is counted so is how many there are: one sample.
    pub every: Option<i64>,
}

/// The calls of guardrails a minute, and what becomes of them.
#[derive(Clone, Debug)]
pub struct Guarded {
    pub calls: Demand,
    /// The share that is refused.
    pub throttled: f64,
    /// The shares that fail by the client's fault and by the service's.
    pub client_errors: f64,
    pub server_errors: f64,
    pub intervened: f64,
    /// Text units of a call, by GuardrailPolicyType.
    pub units: Vec<(&'static str, f64)>,
    pub active: Range<i64>,
}

const USAGE: &str = "AWS/Usage";
const GUARDRAILS: &str = "AWS/Bedrock/Guardrails";

fn usage(metric: &'static str, kind: &str, resource: &str) -> Counted {
    let dimensions = [("Class", "None"), ("Resource", resource), ("Service", "Bedrock"), ("Type", kind)];
    Counted {
        namespace: USAGE,
        metric,
        dimensions: dimensions.map(|(name, value)| (name, value.to_string())).into(),
        amount: Demand::Steady(0.0),
        source: resource.to_string(),
        share: 1.0,
        active: i64::MIN..i64::MAX,
        every: None,
    }
}

impl Counted {
    /// Calls of one operation of a control plane.
    pub fn calls(operation: &str, amount: Demand) -> Counted {
        Counted { amount, ..usage("CallCount", "API", operation) }
    }

    /// How many there are of something, published every five minutes.
    pub fn things(resource: &str, number: f64) -> Counted {
        let amount = Demand::Steady(number);
        Counted { amount, every: Some(5), ..usage("ResourceCount", "Resource", resource) }
    }

    /// Records and tokens of batch jobs of a model that wait.
    pub fn pending(model_id: &str, records: f64, tokens: f64) -> [Counted; 2] {
        let metrics =
            [("NumberOfRecordsPendingProcessing", records), ("NumberOfTokensPendingProcessing", tokens)];
        metrics.map(|(metric, number)| Counted { metric, ..Counted::of_batch(model_id, number) })
    }

    /// Tokens of batch jobs of a model that are processed in a minute.
    pub fn processed(model_id: &str, input: f64, output: f64) -> [Counted; 2] {
        let metrics = [
            ("NumberOfInputTokensProcessedPerMinute", input),
            ("NumberOfOutputTokensProcessedPerMinute", output),
        ];
        metrics.map(|(metric, number)| Counted { metric, ..Counted::of_batch(model_id, number) })
    }

    fn of_batch(model_id: &str, number: f64) -> Counted {
        Counted {
            namespace: "AWS/Bedrock/Batch",
            dimensions: vec![("ModelId", model_id.to_string())],
            every: Some(1),
            ..Counted::things(model_id, number)
        }
    }

    /// The two metrics of the mantle endpoint that AWS does not document.
    pub fn mantle(model: &str, consumed: f64, units: f64) -> [Counted; 2] {
        let metrics = [("BurnDownConsumed", consumed), ("EquivalentReservationUnits", units)];
        metrics.map(|(metric, number)| Counted {
            namespace: "AWS/BedrockMantle",
            metric,
            dimensions: vec![("Model", model.to_string())],
            every: Some(1),
            ..Counted::things(model, number)
        })
    }

    pub(super) fn is(&self, (namespace, metric): (&str, &str), dimensions: &[(String, String)]) -> bool {
        self.namespace == namespace
            && self.metric == metric
            && self.dimensions.len() == dimensions.len()
            && self.dimensions.iter().all(|(n, v)| dimensions.iter().any(|(an, av)| an == n && av == v))
    }

    pub(super) fn point(&self, key: u64, minute: i64) -> Option<Point> {
        if !self.active.contains(&(minute * 60)) || minute % self.every.unwrap_or(1) != 0 {
            return None;
        }
        if let (Some(_), Demand::Steady(number)) = (self.every, &self.amount) {
            return Some(Point { sum: *number, count: 1.0, min: *number, max: *number });
        }
        let calls = Stream { demand: self.amount.clone(), ..Stream::default() }.asked(key, minute);
        let sum = (calls as f64 * self.share).floor();
        (sum > 0.0).then_some(Point { sum, count: sum, min: 1.0, max: 1.0 })
    }
}

impl Guarded {
    /// The series of all guardrails together, by operation and by policy; CloudWatch has those by guardrail and by
    /// content, too, which hold the same calls once more.
    pub fn series(&self) -> Vec<Counted> {
        let operation = ("Operation", "ApplyGuardrail".to_string());
        let counted = |metric, dimensions, share| Counted {
            namespace: GUARDRAILS,
            metric,
            dimensions,
            amount: self.calls.clone(),
            source: "guardrails".to_string(),
            share,
            active: self.active.clone(),
            every: None,
        };
        let arn = "arn:aws:bedrock:us-east-1:000000000000:guardrail/gr7k2m4x9qva".to_string();
        let guardrail = vec![("GuardrailArn", arn), ("GuardrailVersion", "1".to_string())];
        let all: f64 = self.units.iter().map(|(_, units)| units).sum();
        let metrics = [
            ("Invocations", 1.0 - self.throttled),
            ("InvocationThrottles", self.throttled),
            ("InvocationClientErrors", self.client_errors),
            ("InvocationServerErrors", self.server_errors),
            ("InvocationsIntervened", self.intervened),
            ("TextUnitCount", all * (1.0 - self.throttled)),
        ];
        let mut series = Vec::new();
        for (metric, share) in metrics.into_iter().filter(|(_, share)| *share > 0.0) {
            series.push(counted(metric, vec![operation.clone()], share));
            series.push(counted(metric, guardrail.clone(), share));
        }
        for (policy, units) in &self.units {
            let policy = ("GuardrailPolicyType", policy.to_string());
            let share = units * (1.0 - self.throttled);
            series.push(counted("TextUnitCount", vec![policy.clone()], share));
            series.push(counted("TextUnitCount", vec![policy, operation.clone()], share));
        }
        series
    }
}
