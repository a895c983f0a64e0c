//! What goes wrong with collections, logged when it begins, once an hour, and when it ends.

use crate::aws::wallet::is_about_credentials;
use crate::model::ids::Target;
use crate::model::observation::{CollectError, Collector, ErrorClass, Outcome};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;

/// The troubles that are not over, and when each was logged last: when it appears and once an hour, not every minute.
#[derive(Default)]
pub(super) struct Troubles(BTreeMap<(Target, Collector), BTreeMap<Trouble, Timestamp>>);

/// The call that failed, and how. What AWS says beside it may differ each time.
type Trouble = (ErrorClass, String);

/// Seconds between two log lines about a trouble that goes on.
const REMINDER: i64 = 3600;

impl Troubles {
    /// Logs what is new about a target. What is wrong with credentials is told by them, once for all their targets.
    pub(super) fn log(&mut self, outcome: &Outcome) {
        let Outcome { target, collector, errors, seconds, started, .. } = outcome;
        let known = self.0.entry((target.clone(), *collector)).or_default();
        let mut now = BTreeMap::new();
        for error in errors.iter().filter(|error| !is_about_credentials(error)) {
            let CollectError { class, message } = error;
            let told = known.get(&trouble(error)).copied();
            let again = told.is_some_and(|told| started.0 - told.0 >= REMINDER);
            match told {
                None => tracing::warn!(%target, %collector, %class, error = message, "collection failed"),
                Some(_) if again => {
                    tracing::warn!(%target, %collector, %class, error = message, "collection still fails");
                }
                Some(_) => {}
            }
            now.insert(trouble(error), told.filter(|_| !again).unwrap_or(*started));
        }
        if errors.is_empty() && !known.is_empty() {
            tracing::info!(%target, %collector, "collection works again");
        }
        *known = now;
        tracing::debug!(%target, %collector, seconds, errors = errors.len(), "collected");
    }

    /// Nothing is remembered of targets that are watched no more.
    pub(super) fn forget_all_but<T>(&mut self, targets: &BTreeMap<Target, T>) {
        self.0.retain(|(target, _), _| targets.contains_key(target));
    }
}

fn trouble(error: &CollectError) -> Trouble {
    (error.class, error.message.split(": ").next().unwrap_or_default().to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while `work` runs, line by line.
    pub(in crate::daemon) fn logged(work: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let lines = sink.clone();
        let log = tracing_subscriber::fmt().with_writer(move || lines.clone()).with_ansi(false);
        tracing::subscriber::with_default(log.without_time().finish(), work);
        let text = sink.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap().lines().map(String::from).collect()
    }

    fn outcome(errors: &[(ErrorClass, &str)]) -> Outcome {
        let error =
            |(class, text): &(ErrorClass, &str)| CollectError { class: *class, message: text.to_string() };
        Outcome {
            target: Target::new("000000000001", "us-west-2"),
            collector: Collector::Usage,
            started: Timestamp(0),
            seconds: 0.0,
            observation: None,
            errors: errors.iter().map(error).collect(),
        }
    }

    #[test]
    fn a_trouble_is_said_once_until_it_is_over() {
        const DENIED: (ErrorClass, &str) = (
            ErrorClass::AccessDenied,
            "cloudwatch:GetMetricData: HTTP 403, AccessDenied: not authorized to perform: cloudwatch:GetMetricData",
        );
        let lines = logged(|| {
            let mut troubles = Troubles::default();
            for minute in 0..60 {
                let slow = format!("cloudwatch:ListMetrics: no answer, request {minute}");
                troubles.log(&outcome(&[DENIED, (ErrorClass::Timeout, &slow)]));
            }
            troubles.log(&outcome(&[DENIED]));
            troubles.log(&outcome(&[]));
            troubles.log(&outcome(&[]));
            troubles.log(&outcome(&[DENIED]));
        });
        let with = |text: &str| lines.iter().filter(|line| line.contains(text)).collect::<Vec<_>>();
        assert_eq!(lines.len(), 4, "{lines:#?}");
        let denied = with("GetMetricData");
        assert_eq!(denied.len(), 2, "{lines:#?}");
        for part in ["000000000001", "us-west-2", "access_denied", "to perform: cloudwatch:GetMetricData"] {
            assert!(denied[0].contains(part), "{part} in {}", denied[0]);
        }
        assert_eq!(with("request 0").len(), 1, "{lines:#?}");
        assert_eq!(with("works again").len(), 1, "{lines:#?}");
    }

    #[test]
    fn a_trouble_that_goes_on_is_said_once_an_hour() {
        let denied = [(ErrorClass::AccessDenied, "cloudwatch:GetMetricData: HTTP 403, AccessDenied: no")];
        let of_keys = [(ErrorClass::NoCredentials, "credentials of profile research: none")];
        let lines = logged(|| {
            let mut troubles = Troubles::default();
            for minute in 0..150 {
                troubles.log(&Outcome { started: Timestamp(60 * minute), ..outcome(&denied) });
                troubles.log(&Outcome {
                    started: Timestamp(60 * minute),
                    collector: Collector::Catalog,
                    ..outcome(&of_keys)
                });
            }
        });
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[1].contains("still fails"), "{lines:#?}");
    }
}
