//! The folder with a store's data, in use by one system at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// How long to wait for a folder whose last user is just ending.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// A locked folder.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    lock: File,
    /// Removed with the value, where the folder is a temporary one.
    _temporary: Option<TempDir>,
}

impl DataFolder {
    /// Makes the folder where it is not there, and locks it.
    ///
    /// # Errors
    /// Where the folder cannot be made, or another system uses it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::lock(path, None)
    }

    /// A folder that is removed, with everything in it, when the value is dropped.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn temporary() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("larder-").tempdir().context("cannot make a temporary folder")?;
        let path = folder.path().to_path_buf();
        Self::lock(&path, Some(folder))
    }

    fn lock(path: &Path, temporary: Option<TempDir>) -> Result<Self> {
        let shown = path.display();
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the data folder {shown}"))?;
        let file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .with_context(|| format!("cannot open {}", file.display()))?;
        let start = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_path_buf(), lock, _temporary: temporary }),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => {
                    bail!(
                        "the data folder {shown} is in use: another Larder runs on it. \
                         Stop that one, or choose another folder with `make up DATA=…`"
                    )
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", file.display()));
                }
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lock as an input for the one process that writes to the folder, which therefore holds
    /// it as well: a Redis that outlived us would keep others off its files.
    pub(super) fn lock_for_child(&self) -> Result<Stdio> {
        Ok(self.lock.try_clone().context("cannot share the lock of the data folder")?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user() {
        let folder = DataFolder::temporary().unwrap();
        let error = DataFolder::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is in use"), "{error}");
        let path = folder.path().to_path_buf();
        drop(folder);
        assert!(!path.exists());
    }
}
