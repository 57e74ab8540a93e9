//! The worker of Larder: it applies the writes that the component accepted.
//!
//! One process, one thread, one connection to each master. All the work is done by scripts inside
//! Redis, so a worker only decides when to call which: a second thread would have nothing to do, and a
//! second connection would only be one more thing to lose. What a worker knows it can forget: killing it
//! at any moment loses nothing, because applying a write and taking it off its stream are one
//! atomic step.
//!
//! ```text
//! main       settings, signals, admin server, control server
//!  worker    a shard for each master, for as long as the process lives
//!   lookout  knows who the masters are: one Redis, those of a cluster, the one that Sentinels name
//!   shard    opens sessions at its master, one after the other
//!    session one connection: doorbells, sweep, heartbeat, expiry, and a committer for each partition
//!  dead      or, in its place: subcommands for the writes that could not be applied
//!  token     or: makes access tokens for the component
//! ```

mod admin;
mod backoff;
mod cli;
mod connection;
mod control;
mod dead;
mod duration;
mod health;
mod logging;
mod lookout;
mod masters;
mod metric;
mod outage_log;
mod partitions;
mod session;
mod shard;
mod shutdown;
mod status;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use larder_telemetry::{Program, Telemetry};

use larder_operator::token;

use crate::cli::Command;
use crate::health::Health;

pub use crate::cli::Cli;

const PROGRAM: Program = Program { service: "larder-worker", version: env!("CARGO_PKG_VERSION") };

/// The whole program, with this command line: `larder-worker`, and `larder-local worker`.
#[must_use]
pub fn main(cli: &Cli) -> ExitCode {
    if let Err(conflict) = cli.redis.check() {
        Cli::command().error(ErrorKind::ArgumentConflict, conflict).exit();
    }
    match &cli.command {
        // Whoever calls a subcommand wants an answer, and an error in plain words.
        Some(Command::Dead(command)) => exit(dead::run(command, &cli.redis), |error| eprintln!("error: {error:#}")),
        Some(Command::Token(command)) => {
            exit(async { token::run(command, None) }, |error| eprintln!("error: {error:#}"))
        }
        None => {
            logging::start(&cli.log);
            exit(
                async {
                    let mut telemetry = Telemetry::default();
                    telemetry.traces(&PROGRAM)?;
                    run(cli).await
                },
                |error| tracing::error!("{error:#}"),
            )
        }
    }
}

fn exit(work: impl Future<Output = anyhow::Result<()>>, tell: impl Fn(anyhow::Error)) -> ExitCode {
    match complete(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(error);
            ExitCode::FAILURE
        }
    }
}

fn complete(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the async runtime")?;
    let result = runtime.block_on(work);
    // A name lookup may hang in a thread of its own; the process does not wait for it.
    runtime.shutdown_background();
    result
}

async fn run(cli: &Cli) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let health = Arc::new(Health::new());
    // The recorder comes before anything that counts.
    let admin = match cli.worker.admin_listen {
        Some(address) => Some(admin::Admin::bind(address, Arc::clone(&health), cli.worker.max_pending).await?),
        None => None,
    };
    let control = match cli.worker.control_listen {
        control::Listen::At(address) => Some(control::Control::bind(address).await?),
        control::Listen::Off => None,
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        format = larder_protocol::format::known(),
        name = cli.worker.name,
        redis = %cli.redis.url,
        admin = admin.as_ref().map(|admin| tracing::field::display(admin.address())),
        control = control.as_ref().map(|control| tracing::field::display(control.address())),
        "started"
    );
    if let Some(admin) = admin {
        tokio::spawn(admin.serve());
    }
    if let Some(control) = control {
        tokio::spawn(control.serve(cli.redis.clone()));
    }
    worker::run(cli, &health, &stop).await;
    tracing::info!("stopped");
    Ok(())
}
