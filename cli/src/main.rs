//! `larder`: the command line of Larder.
//!
//! It speaks HTTP and nothing else, to the public API of a store (and to the admin and control servers of its
//! workers), so whatever it does, everybody can do.
//!
//! ```text
//! main       one command, its exit code
//!  cli       the command line
//!  settings  which store is meant, with which token: flags, environment, contexts
//!  client    the API: requests that are repeated where that is safe, answers, problems
//!  command   one file for each command
//!  terminal  what may reach a terminal, and what only goes there
//! ```

mod cli;
mod client;
mod command;
mod failure;
mod settings;
mod terminal;

use std::io;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::{CommandFactory as _, FromArgMatches as _};
use larder_operator::text::escaped_json;

use crate::cli::Cli;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let json = cli.global.is_json();
    match run(cli, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output may stop early, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => tell(&error, json).into(),
    }
}

fn run(cli: Cli, matches: &clap::ArgMatches) -> anyhow::Result<()> {
    let settings = Settings::resolve(cli.global, matches);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(command::run(cli.command, settings));
    // A read of stdin may hang in a thread of its own; the process does not wait for it.
    runtime.shutdown_background();
    outcome
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(|e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe))
}

/// Says on stderr what went wrong, and what to do.
fn tell(error: &anyhow::Error, json: bool) -> Exit {
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    let (exit, advice) = failure.map_or((Exit::Other, None), |failure| (failure.exit(), failure.advice()));
    if json {
        let problem = match failure {
            Some(Failure::Problem { problem, .. }) => Some(problem),
            _ => None,
        };
        let told = serde_json::json!({"error": format!("{error:#}"), "advice": advice, "problem": problem});
        eprintln!("{}", escaped_json(&told.to_string()));
    } else {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let error = terminal::lines(&format!("{error:#}"));
        anstream::eprintln!("{red}error:{red:#} {error}");
        if let Some(advice) = advice {
            eprintln!("  {advice}");
        }
    }
    exit
}
