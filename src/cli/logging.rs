//! The flags of logging, which every command takes.

use crate::log;
use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

#[derive(Args, Debug)]
#[command(next_help_heading = "Logging")]
pub struct Log {
    /// Least severe level that is logged
    #[arg(
        id = "log.level",
        long = "log.level",
        env = "BEDROCK_QUOTA_EXPORTER_LOG_LEVEL",
        global = true,
        default_value = "info"
    )]
    pub level: LogLevel,
    /// How a log line looks
    #[arg(
        id = "log.format",
        long = "log.format",
        env = "BEDROCK_QUOTA_EXPORTER_LOG_FORMAT",
        global = true,
        default_value = "text"
    )]
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> LevelFilter {
        match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

impl From<LogFormat> for log::Format {
    fn from(format: LogFormat) -> log::Format {
        match format {
            LogFormat::Text => log::Format::Text,
            LogFormat::Json => log::Format::Json,
        }
    }
}
