//! The clock that a Redis sees: the machine's, or one that is ahead or behind.
//!
//! A failover to a machine whose clock is behind is the case to test. `libfaketime`, of Debian's
//! package `faketime`, shifts the clock of one process; its command would put a process of its own
//! between us and Redis, so the library is preloaded without it. It leaves the monotonic clock alone.
//! Behind it comes the C library's allocator, for Debian's Redis has jemalloc, which asks for the time
//! before `libfaketime` can tell it, and the two would wait for each other.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// By how many seconds a clock is ahead of the machine's; behind it where negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock(pub i64);

impl Clock {
    /// What a process with this clock needs in its environment.
    ///
    /// # Errors
    /// Where the clock is not the machine's and `faketime` is not installed.
    pub(super) fn environment(self) -> Result<Vec<(&'static str, OsString)>> {
        if self.0 == 0 {
            return Ok(vec![]);
        }
        let mut preload =
            library().context("there is no libfaketime: install it (Debian: apt-get install faketime)")?;
        preload.push(" libc.so.6");
        Ok(vec![
            ("LD_PRELOAD", preload),
            ("FAKETIME", format!("{:+}s", self.0).into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ])
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
