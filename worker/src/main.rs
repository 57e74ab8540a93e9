//! `larder-worker`: the worker as a program of its own.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    larder_worker::main(&larder_worker::Cli::parse())
}
