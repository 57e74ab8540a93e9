//! `token list`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::entries;
use crate::text;

/// The arguments of `token list`.
#[derive(Debug, Args)]
pub struct List {
    /// The file with the JSON array, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &List) -> anyhow::Result<()> {
    let entries = entries::read(&arguments.file)?;
    let mut out = io::stdout().lock();
    if !arguments.json {
        writeln!(out, "{}", entries::heading())?;
    }
    for entry in &entries {
        let line =
            if arguments.json { text::escaped_json(&serde_json::to_string(entry)?) } else { entries::described(entry) };
        writeln!(out, "{line}")?;
    }
    Ok(())
}
