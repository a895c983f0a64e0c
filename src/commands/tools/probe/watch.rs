//! Watches others while the probe calls: by CloudWatch's refusals of all who share the quotas, or by an exporter's
//! API.

use super::place::Place;
use crate::aws::Connection;
use crate::cli;
use crate::clock::Pace;
use crate::commands::exporter::Exporter;
use crate::model::ids::Target;
use crate::model::request::SeriesRequest;
use crate::model::time::{Minute, Timestamp};
use crate::model::usage::{InvocationId, Metric};
use crate::probe::Seen;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Seconds between two looks; CloudWatch has minutes.
const EVERY: f64 = 60.0;
/// A minute is read so many seconds after its end: CloudWatch publishes it by then, mostly. What comes later is seen
/// by a later look, since every look reads from the start.
const DELAY: u64 = 120;
/// Minutes before the run in which nobody may have been refused.
const BEFORE: i64 = 5;
/// Looks in a row that may fail.
const FAILED: u32 = 3;

/// What is seen of others, look by look.
pub(super) struct Watch(mpsc::Receiver<Seen>);

impl Watch {
    pub(super) async fn seen(&mut self) -> Seen {
        let ended = || Seen::Nothing("the watch has ended".to_string());
        self.0.recv().await.unwrap_or_else(ended)
    }
}

impl Place {
    /// Begins to watch.
    ///
    /// # Errors
    /// If others are refused already, or cannot be watched.
    pub(super) async fn watch(&self, args: &cli::Probe) -> Result<Watch> {
        let eyes = match &args.url {
            Some(url) => {
                let target = self.connection.target.clone();
                Eyes::Exporter {
                    exporter: Exporter::new(url, &args.access)?,
                    target,
                    model_id: self.model_id.clone(),
                }
            }
            None => {
                let listed = self.connection.listed_ids(true).await;
                let listed = listed.map_err(|error| cannot(&error.message))?;
                Eyes::CloudWatch(self.connection.clone(), self.sharing(&listed))
            }
        };
        let start = Timestamp(self.pace.now() as i64);
        let before =
            eyes.look(start.minute() - BEFORE, start).await.map_err(|error| cannot(&error.to_string()))?;
        let is_quiet = match before {
            Seen::Refusals { count, .. } => count == 0.0,
            Seen::Throttled(is_throttled) => !is_throttled,
            Seen::Nothing(_) => false,
        };
        ensure!(
            is_quiet,
            "calls that share these quotas were refused of late: a probe would take from who needs them; nothing was sent"
        );
        let (tell, watch) = mpsc::channel(1);
        tokio::spawn(look_on(eyes, self.pace, start.minute(), tell));
        Ok(Watch(watch))
    }
}

fn cannot(why: &str) -> anyhow::Error {
    anyhow!("others cannot be watched, so nothing was sent: {why}")
}

async fn look_on(eyes: Eyes, pace: Pace, from: Minute, tell: mpsc::Sender<Seen>) {
    let (mut next, mut failed) = (pace.now() + EVERY, 0);
    loop {
        tokio::time::sleep(pace.until(next)).await;
        next += EVERY;
        let seen = match eyes.look(from, Timestamp(pace.now() as i64)).await {
            Ok(seen) => {
                failed = 0;
                seen
            }
            Err(error) => {
                failed += 1;
                tracing::warn!(%error, "others could not be watched");
                if failed < FAILED {
                    continue;
                }
                Seen::Nothing(error.to_string())
            }
        };
        if tell.send(seen).await.is_err() {
            return;
        }
    }
}

enum Eyes {
    CloudWatch(Arc<Connection>, Vec<InvocationId>),
    Exporter { exporter: Exporter, target: Target, model_id: String },
}

impl Eyes {
    async fn look(&self, from: Minute, now: Timestamp) -> Result<Seen> {
        match self {
            Eyes::CloudWatch(connection, ids) => refusals(connection, ids, from, now).await,
            Eyes::Exporter { exporter, target, model_id } => {
                throttled(exporter, target, model_id).await.map(Seen::Throttled)
            }
        }
    }
}

/// Every refused call of these ids from a minute on.
async fn refusals(
    connection: &Connection,
    ids: &[InvocationId],
    from: Minute,
    now: Timestamp,
) -> Result<Seen> {
    connection.ready(now).await.map_err(|error| anyhow!("{}", error.message))?;
    let until = now.minus(DELAY).minute();
    if until <= from {
        return Ok(Seen::Refusals { count: 0.0, until: now.0 as f64 });
    }
    let request =
        |id: &InvocationId| SeriesRequest { id: id.clone(), metric: Metric::Throttles, from, until };
    let (readings, errors) = connection.read(60, ids.iter().map(request).collect()).await;
    if let Some(error) = errors.into_iter().next() {
        return Err(anyhow!("{}", error.message));
    }
    let count = readings.iter().flat_map(|reading| &reading.points).map(|(_, value)| value).sum();
    Ok(Seen::Refusals { count, until: until.start().0 as f64 })
}

/// Whether calls of any quota that an id spends were refused of late, by an exporter's API.
async fn throttled(exporter: &Exporter, target: &Target, model_id: &str) -> Result<bool> {
    let place = [
        ("account", Some(&*target.account_id)),
        ("region", Some(&*target.region)),
        ("model_id", Some(model_id)),
    ];
    refused_of_late(&exporter.document("headroom", &place).await.map_err(anyhow::Error::msg)?)
}

/// Whether an answer of headroom tells of refused calls. `throttled` is null where nobody calls, and where usage was
/// not read: then nobody can tell.
fn refused_of_late(told: &Value) -> Result<bool> {
    let list = |name: &str| {
        let list = told[name].as_array().filter(|list| list.iter().all(Value::is_object));
        list.with_context(|| {
            format!("the exporter's answer has no {name}: expected an exporter of this version")
        })
    };
    if let Some(unread) = list("unread")?.first() {
        bail!("the exporter has not read {}", unread["why"].as_str().unwrap_or("all of it"));
    }
    let items = list("items")?;
    ensure!(!items.is_empty(), "the exporter tells of no quota");
    Ok(items.iter().any(|item| item["throttled"] == true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_exporter_that_cannot_tell_is_not_taken_for_one_that_sees_nobody_refused() {
        let told = |items: Value, unread: Value| refused_of_late(&json!({"items": items, "unread": unread}));
        let calm = json!([{"throttled": null}, {"throttled": false}]);
        assert!(!told(calm.clone(), json!([])).unwrap(), "nobody calls: null is none refused");
        assert!(told(json!([{"throttled": null}, {"throttled": true}]), json!([])).unwrap());
        let unread = json!([{"region": "us-east-1", "why": "usage: not read yet"}]);
        let error = told(calm.clone(), unread).unwrap_err().to_string();
        assert_eq!(error, "the exporter has not read usage: not read yet");
        assert!(told(json!([]), json!([])).is_err());
        let error = refused_of_late(&json!({"items": calm})).unwrap_err().to_string();
        assert!(error.contains("no unread: expected an exporter of this version"), "{error}");
    }
}
