//! `larder-local`: Larder on one machine, with and without Spin.

mod command;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

// The component's requests allocate much and briefly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Larder on one machine.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(command::serve::Serve),
    Up(command::up::Up),
    // The program `larder-worker`, so that one file is enough.
    /// Run a worker, or its subcommands: the same as larder-worker.
    Worker(Box<larder_worker::Cli>),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        // It has a log and a runtime of its own.
        Command::Worker(worker) => larder_worker::main(&worker),
        Command::Serve(serve) => start(serve.run()),
        Command::Up(up) => start(up.run()),
    }
}

fn start(work: impl Future<Output = Result<()>>) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    match complete(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("larder-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn complete(work: impl Future<Output = Result<()>>) -> Result<()> {
    // The children of `up` are bound to the life of the thread that starts them: it has to be this one. What `serve`
    // serves has threads of its own.
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the async runtime")?;
    runtime.block_on(work)
}
