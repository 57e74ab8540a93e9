//! Logs, on stderr: stdout belongs to the answers of subcommands.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, LogSettings};

/// Sends the process' logs to stderr from here on.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::new(&settings.filter);
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match settings.format {
        LogFormat::Human => logs.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).init(),
    }
}
