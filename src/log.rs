//! What the process says on standard error.

mod logfmt;

use logfmt::Logfmt;
use std::io;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `ts=… level=info msg="…" key=value`
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the names of all crates of the AWS SDK begin.
const SDK: &str = "aws_";

/// Logs to standard error from now on. Of other crates only warnings and errors are shown: at lower
/// levels the AWS SDK and the HTTP client would drown the exporter's own lines. Of the SDK only errors:
/// what it warns of with every attempt, a collection or the credentials tell once, and without what it repeats of URLs.
/// Does nothing where a log is already set up.
pub fn init(level: LevelFilter, format: Format) {
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(SDK, level.min(LevelFilter::ERROR))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let _ = match format {
        Format::Text => {
            registry.with(lines.with_ansi(false).fmt_fields(Logfmt).event_format(Logfmt)).try_init()
        }
        // Without the module that logs, whose key is that of the AWS account and region: target.
        Format::Json => {
            let lines = lines.json().flatten_event(true).with_target(false);
            registry.with(lines.with_current_span(false).with_span_list(false)).try_init()
        }
    };
}
