//! Logs, on stderr: stdout belongs to the answers of subcommands.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

#[derive(Debug, Args)]
#[command(next_help_heading = "Logs (on stderr)")]
pub struct LogSettings {
    /// Lines for people, or one JSON object per line.
    #[arg(long = "log-format", env = "LARDER_LOG_FORMAT", value_name = "FORMAT", default_value = "human")]
    pub format: LogFormat,

    /// What to log: error, warn, info, debug or trace, also per module (info,larder_worker=debug).
    #[arg(long = "log", env = "LARDER_LOG", value_name = "FILTER", value_parser = log_filter, default_value = "info")]
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

/// Sends the process' logs to stderr from here on.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::new(&settings.filter);
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match settings.format {
        LogFormat::Human => logs.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).init(),
    }
}

/// Checks only: a filter cannot be cloned, as clap wants its values to be.
fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
