//! Where the output of a child process goes.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};

/// How much of a log goes into a message.
const TAIL_LINES: usize = 40;

/// The two places.
#[derive(Clone, Debug)]
pub enum Output {
    /// Our own standard output and error.
    Inherited,
    /// This file, at its end.
    File(PathBuf),
}

impl Output {
    /// # Errors
    /// Where the file cannot be opened.
    pub(super) fn stdio(&self) -> Result<Stdio> {
        Ok(match self {
            Self::Inherited => Stdio::inherit(),
            Self::File(path) => {
                let file: File = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .with_context(|| format!("cannot write the log {}", path.display()))?;
                file.into()
            }
        })
    }

    /// What was written so far; empty where it went to our own output.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Inherited => String::new(),
            // A log may hold any bytes, and a log that is not there is empty.
            Self::File(path) => String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned(),
        }
    }

    /// The last lines of it.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Where to look, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Inherited => "its log is above".to_owned(),
            Self::File(path) => format!("its log is {}", path.display()),
        }
    }
}
