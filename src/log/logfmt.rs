//! Log lines as `key=value` pairs.

use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// `ts=2026-11-21T10:00:00.000000Z level=info msg="round done" targets=3`, span fields last.
pub(super) struct Logfmt;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Logfmt> for Logfmt {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Logfmt>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        out.write_str("ts=")?;
        SystemTime.format_time(&mut out)?;
        write!(out, " level={}", event.metadata().level().as_str().to_ascii_lowercase())?;
        let mut fields = Pairs::default();
        event.record(&mut fields);
        out.write_str(&fields.message)?;
        out.write_str(&fields.pairs)?;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<Logfmt>>() {
                out.write_str(fields)?;
            }
        }
        writeln!(out)
    }
}

impl<'w> FormatFields<'w> for Logfmt {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'w>, fields: R) -> fmt::Result {
        let mut pairs = Pairs::default();
        fields.record(&mut pairs);
        out.write_str(&pairs.message)?;
        out.write_str(&pairs.pairs)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Logfmt>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// ` key=value` for each field; the message goes first.
#[derive(Default)]
struct Pairs {
    message: String,
    pairs: String,
}

impl Pairs {
    fn pair(&mut self, field: &Field, value: &str) {
        let (out, name) = match field.name() {
            "message" => (&mut self.message, "msg"),
            name => (&mut self.pairs, name),
        };
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
        let written = if !value.is_empty() && value.chars().all(plain) {
            write!(out, " {name}={value}")
        } else {
            write!(out, " {name}={value:?}")
        };
        written.expect("a String takes every write");
    }
}

impl Visit for Pairs {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.pair(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.pair(field, &format!("{value:?}"));
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::mpsc::{Sender, channel};
    use tracing_subscriber::layer::SubscriberExt;

    struct Lines(Sender<String>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `log` logs, without the time.
    fn logged(log: impl FnOnce()) -> String {
        let (sender, receiver) = channel();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .fmt_fields(Logfmt)
            .event_format(Logfmt)
            .with_writer(move || Lines(sender.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text: String = receiver.iter().collect();
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.starts_with("ts=20") && time.ends_with('Z'), "{time}");
        rest.to_owned()
    }

    #[test]
    fn a_line_is_level_message_fields_and_fields_of_spans() {
        let line = logged(|| {
            let target = "111111111111/us-east-1";
            let round = tracing::info_span!("round", %target, calls = tracing::field::Empty);
            let _entered = round.enter();
            round.record("calls", 7);
            tracing::warn!(class = "access_denied", retried = false, seconds = 0.5, "the call failed");
        });
        assert_eq!(
            line,
            "level=warn msg=\"the call failed\" class=access_denied retried=false seconds=0.5 \
             target=111111111111/us-east-1 calls=7\n"
        );
    }

    #[test]
    fn a_value_cannot_break_out_of_its_field() {
        let line = logged(|| tracing::info!(said = "no\nlevel=error \"x\"", empty = "", key = "a=b", "ok"));
        assert_eq!(line, "level=info msg=ok said=\"no\\nlevel=error \\\"x\\\"\" empty=\"\" key=\"a=b\"\n");
    }
}
