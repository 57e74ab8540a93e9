//! The worker of Larder: it applies the writes that the component accepted.
//!
//! One process, one thread, one connection. All the work is done by scripts inside Redis, so a
//! worker only decides when to call which: a second thread would have nothing to do, and a second
//! connection would only be one more thing to lose. What a worker knows it can forget: killing it
//! at any moment loses nothing, because applying a write and taking it off its stream are one
//! atomic step.
//!
//! ```text
//! main       settings, signals, admin server
//!  worker    opens sessions, one after the other, for as long as the process lives
//!   session  one connection: doorbell, sweep, heartbeat, expiry and 16 committers
//! ```

mod admin;
mod backoff;
mod bells;
mod cli;
mod committer;
mod connection;
mod doorbell;
mod expiry;
mod failure;
mod health;
mod heartbeat;
mod logging;
mod metric;
mod outage_log;
mod ownership;
mod redis_url;
mod session;
mod shutdown;
mod sweep;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;

use crate::cli::Cli;
use crate::health::Health;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.log);
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the async runtime")?;
    let result = runtime.block_on(run(cli));
    // A name lookup may hang in a thread of its own; the process does not wait for it.
    runtime.shutdown_background();
    result
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let health = Arc::new(Health::new());
    // The recorder comes before anything that counts.
    let admin = match cli.worker.admin_listen {
        Some(address) => Some(admin::Admin::bind(address, Arc::clone(&health)).await?),
        None => None,
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        name = cli.worker.name,
        redis = %cli.redis.url,
        admin = admin.as_ref().map(|admin| tracing::field::display(admin.address())),
        "started"
    );
    if let Some(admin) = admin {
        tokio::spawn(admin.serve());
    }
    worker::run(&cli, &health, &stop).await;
    tracing::info!("stopped");
    Ok(())
}
