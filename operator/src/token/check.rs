//! `token check`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::bail;
use clap::Args;
use larder_protocol::token::Digest;

use super::entries;

/// The arguments of `token check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The file with the JSON array, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &Check, bearer: Option<&str>) -> anyhow::Result<()> {
    let entries = entries::read(&arguments.file)?;
    let mut out = io::stdout().lock();
    let past =
        |expires: Option<larder_protocol::token::Expiry>| expires.is_some_and(|end| end.is_past(SystemTime::now()));
    let expired = entries.iter().filter(|entry| past(entry.expires)).count();
    writeln!(out, "{} entries, each of them well-formed; {expired} expired", entries.len())?;
    let Some(token) = bearer else { return Ok(()) };
    let digest = Digest::of(token);
    let Some((entry, number)) = entries.iter().zip(1..).find(|(entry, _)| entry.digest == digest) else {
        bail!("the token is none of these; whoever bears it is answered with 401");
    };
    writeln!(out, "The token has the entry {number}:\n\n{}\n{}", entries::heading(), entries::described(entry))?;
    if past(entry.expires) {
        bail!("the token has expired; make another with `token new`");
    }
    Ok(())
}
