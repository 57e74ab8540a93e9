//! The command line.
//!
//! Without a subcommand the worker runs. There are no positional arguments, so the words stay
//! free for subcommands. Those share the connection's settings with it, which are therefore global
//! and may stand on either side of their words.
//!
//! It is put together of what each part wants to know; no part knows of it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use larder_operator::dead::DeadCommand;
use larder_operator::token::TokenCommand;
use larder_protocol::limits::{DEFAULT_CHANGES_KEPT, DEFAULT_MAX_PENDING, MAX_CHANGES_KEPT, MAX_CONFIGURABLE_PENDING};

use crate::connection::RedisSettings;
use crate::control;
use crate::duration;
use crate::logging::LogSettings;

/// Applies the writes of a Larder store.
///
/// The component accepts writes into streams in Redis; the worker commits them, in order and
/// exactly once. Run at least one worker per store. More of them share the work and take over from
/// one another; none of them holds any state, so killing one loses nothing.
///
/// The worker waits while Redis cannot be reached, and goes on by itself. SIGTERM and SIGINT end
/// it within a second, a second signal at once. It exits with 0 when it was told to stop, 2 when a
/// setting is wrong, and 1 on any other error.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) redis: RedisSettings,
    #[command(flatten)]
    pub(crate) worker: WorkerSettings,
    #[command(flatten)]
    pub(crate) log: LogSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows, retries and drops the writes that could never be applied.
    ///
    /// Such a write does not have the form of one, or the key of its item holds something else. It
    /// moved out of the way of those behind it, onto the dead letters of its partition, and stays
    /// there until it is retried or dropped.
    ///
    /// All of these exit with 0 when they did what they were told, 2 when they were told nonsense,
    /// and 1 on any other error. What they find goes to stdout, errors to stderr.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Makes, lists and checks access tokens. It needs no Redis.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerSettings {
    /// What this worker is called among the workers of the store; no two may share a name.
    ///
    /// 1 to 255 printable characters without spaces. By default the name of the host, the id of
    /// the process and a random part.
    #[arg(
        long,
        env = "LARDER_WORKER_NAME",
        value_parser = worker_name,
        default_value_t = unique_name(),
        hide_default_value = true
    )]
    pub name: String,

    /// How often to look for writes that no doorbell told of.
    ///
    /// In milliseconds, 10 to 60000. A lost doorbell or a dead worker delays a write by this much
    /// at most; each sweep costs Redis an XLEN for each partition,
    /// and once a second, with `--admin-listen`, a short script.
    #[arg(
        long,
        env = "LARDER_SWEEP_INTERVAL",
        value_name = "MS",
        value_parser = duration::milliseconds::<10, 60_000>,
        default_value = "250"
    )]
    pub sweep_interval: Duration,

    /// How many changes each partition keeps, about, for those who follow them (`GET /changes`).
    ///
    /// 0 keeps none, and there is no feed of changes. Give all workers of a store the same: one that keeps
    /// none ends the feed of those that do.
    #[arg(
        long,
        env = "LARDER_CHANGES_KEPT",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(..=MAX_CHANGES_KEPT),
        default_value_t = DEFAULT_CHANGES_KEPT
    )]
    pub changes_kept: u64,

    /// How many unapplied writes the component lets a partition hold: its variable max_pending.
    ///
    /// The worker does nothing with it but tell it among its metrics, so that it can be seen how full the
    /// queue is.
    #[arg(
        long,
        env = "LARDER_MAX_PENDING",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..=MAX_CONFIGURABLE_PENDING),
        default_value_t = DEFAULT_MAX_PENDING
    )]
    pub max_pending: u64,

    /// Where to serve /metrics (Prometheus), /status, /live and /ready over HTTP; nowhere by default.
    ///
    /// These pages have no authentication: keep them off public networks.
    #[arg(long, env = "LARDER_ADMIN_LISTEN", value_name = "IP:PORT")]
    pub admin_listen: Option<SocketAddr>,

    /// Where to serve /dead, through which `larder dead` lists, shows, retries and drops dead letters.
    ///
    /// It asks nobody who they are and shows values, so it takes a loopback address only. From elsewhere reach
    /// it by `ssh -L` or `kubectl port-forward`. `off` serves it nowhere.
    #[arg(long, env = "LARDER_CONTROL_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:9465")]
    pub control_listen: control::Listen,
}

fn worker_name(text: &str) -> Result<String, String> {
    let printable = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if printable && (1..=255).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 255 printable characters without spaces".to_owned())
    }
}

/// Unique without agreement: containers often share a process id, and clones a host name.
fn unique_name() -> String {
    let host: String = gethostname::gethostname().to_string_lossy().chars().filter(|c| c.is_ascii_graphic()).collect();
    format!("{host}-{}-{:08x}", std::process::id(), fastrand::u32(..))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;
    use crate::logging::LogFormat;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["larder-worker"], args].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_arguments_the_worker_runs_on_its_defaults() {
        let cli = parse(&[]).unwrap();
        assert_eq!(cli.redis.url.to_string(), "redis://127.0.0.1:6379");
        assert_eq!(cli.redis.command_timeout, Duration::from_secs(5));
        assert_eq!(cli.worker.sweep_interval, Duration::from_millis(250));
        assert_eq!(cli.worker.changes_kept, 10_000);
        assert_eq!(cli.worker.max_pending, 10_000);
        assert_eq!(cli.worker.admin_listen, None);
        assert_eq!(cli.worker.control_listen, control::Listen::At(([127, 0, 0, 1], 9465).into()));
        assert_eq!(parse(&["--control-listen", "off"]).unwrap().worker.control_listen, control::Listen::Off);
        assert_eq!(cli.log.format, LogFormat::Human);
        assert_eq!(worker_name(&cli.worker.name), Ok(cli.worker.name.clone()));
        assert_ne!(unique_name(), unique_name());
    }

    #[test]
    fn wrong_values_are_refused() {
        for args in [
            ["--redis", "http://127.0.0.1"],
            ["--redis", ""],
            ["--sweep-interval", "9"],
            ["--sweep-interval", "1s"],
            ["--command-timeout", "60001"],
            ["--changes-kept", "all"],
            ["--changes-kept", "1000000001"],
            ["--max-pending", "0"],
            ["--name", "two words"],
            ["--name", ""],
            ["--admin-listen", "localhost"],
            ["--control-listen", "localhost"],
            ["--control-listen", "0.0.0.0:9465"],
            ["--control-listen", "10.0.0.1:9465"],
            ["--control-listen", "[::]:9465"],
            ["--log", "larder=loud"],
        ] {
            assert_eq!(parse(&args).unwrap_err().kind(), ErrorKind::ValueValidation, "{args:?}");
        }
        assert_eq!(parse(&["--log-format", "xml"]).unwrap_err().kind(), ErrorKind::InvalidValue);
        assert_eq!(parse(&["deaf"]).unwrap_err().kind(), ErrorKind::InvalidSubcommand);
    }

    #[test]
    fn settings_of_the_connection_may_stand_on_either_side_of_a_subcommand() {
        let settings = ["--redis", "redis://other", "--command-timeout", "100"];
        for args in [[&settings[..], &["dead", "list"]].concat(), [&["dead", "list"], &settings[..]].concat()] {
            let cli = parse(&args).unwrap();
            assert_eq!(cli.redis.url.to_string(), "redis://other:6379", "{args:?}");
            assert_eq!(cli.redis.command_timeout, Duration::from_millis(100), "{args:?}");
        }
    }

    #[test]
    fn neither_errors_nor_debug_output_show_the_password() {
        let error = parse(&["--redis", "redis://:s3cret@host:port"]).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        let cli = parse(&["--redis", "redis://user:s3cret@host/3"]).unwrap();
        assert!(!format!("{cli:?}").contains("s3cret"));
    }
}
