//! The clock that a Redis sees: the machine's, or one that is ahead or behind.
//!
//! A failover to a machine whose clock is behind is the case to test. `libfaketime`, of Debian's
//! package `faketime`, shifts the clock of one process; its command would put a process of its own
//! between us and Redis, so the library is preloaded without it. It leaves the monotonic clock alone.
//! Behind it comes the C library's allocator, for Debian's Redis has jemalloc, which asks for the time
//! before `libfaketime` can tell it, and the two would wait for each other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The clock of a Redis.
#[derive(Clone, Debug)]
pub enum Clock {
    /// So many seconds ahead of the machine's; behind it where negative.
    Ahead(i64),
    /// As far ahead as this file says, whenever it is looked at ([`Clock::step`]).
    Stepping(PathBuf),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Ahead(0)
    }
}

impl Clock {
    /// Puts the clocks that follow this file so many seconds ahead of the machine's, or behind it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn step(file: &Path, seconds: i64) -> Result<()> {
        // In one step: who reads it meanwhile has the one or the other.
        let next = file.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}s\n"))?;
        std::fs::rename(&next, file).with_context(|| format!("cannot write {}", file.display()))
    }

    /// What a process with this clock needs in its environment.
    ///
    /// # Errors
    /// Where the clock is not the machine's and `faketime` is not installed.
    pub(super) fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let shift = match self {
            Self::Ahead(0) => return Ok(vec![]),
            Self::Ahead(seconds) => vec![("FAKETIME", format!("{seconds:+}s").into())],
            Self::Stepping(file) => {
                vec![("FAKETIME_TIMESTAMP_FILE", file.clone().into_os_string()), ("FAKETIME_NO_CACHE", "1".into())]
            }
        };
        let mut preload =
            library().context("there is no libfaketime: install it (Debian: apt-get install faketime)")?;
        preload.push(" libc.so.6");
        Ok([shift, vec![("LD_PRELOAD", preload), ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into())]].concat())
    }
}

/// Debian keeps it below the folder of the machine's architecture.
fn library() -> Option<OsString> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let candidates = std::iter::once(PathBuf::from("/usr/lib")).chain(folders);
    candidates
        .map(|folder| folder.join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
        .map(OsString::from)
}
