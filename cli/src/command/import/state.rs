//! How far an import has come, in a file beside the export: `app.ndjson.larder-import`.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The state of an import; of one from stdin nothing is kept.
pub struct State(Option<Kept>);

struct Kept {
    path: PathBuf,
    reached: Reached,
}

#[derive(Serialize, Deserialize)]
struct Reached {
    store: String,
    prefix: String,
    /// How long the export was.
    size: u64,
    /// All before this byte is stored.
    offset: u64,
}

impl State {
    /// Of what cannot be resumed.
    pub fn none() -> Self {
        Self(None)
    }

    /// Of an import of what has this prefix in this file into this store; a new one where there was none, or `anew`.
    ///
    /// # Errors
    /// Where the file has changed since, or the earlier import was another one.
    pub fn of(file: &Path, prefix: &str, store: &str, anew: bool) -> anyhow::Result<Self> {
        let size = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
        let mut path = file.as_os_str().to_owned();
        path.push(".larder-import");
        let path = PathBuf::from(path);
        let fresh = Reached { store: store.to_owned(), prefix: prefix.to_owned(), size, offset: 0 };
        let reached = match fs::read(&path) {
            _ if anew => fresh,
            Err(error) if error.kind() == ErrorKind::NotFound => fresh,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            Ok(text) => {
                let reached: Reached = serde_json::from_slice(&text)
                    .map_err(|_| Failure::Usage(format!("{} is malformed; --restart begins anew", path.display())))?;
                let other = match () {
                    () if reached.store != store => format!("into {}", reached.store),
                    () if reached.prefix != prefix => format!("with the prefix {:?}", reached.prefix),
                    () if reached.size != size => "of another state of the file".to_owned(),
                    () => return Ok(Self(Some(Kept { path, reached }))),
                };
                let why = format!("an earlier import, {other}, was interrupted; --restart begins anew");
                return Err(Failure::Usage(why).into());
            }
        };
        Ok(Self(Some(Kept { path, reached })))
    }

    /// All before this byte is stored.
    pub fn offset(&self) -> u64 {
        self.0.as_ref().map_or(0, |kept| kept.reached.offset)
    }

    /// Remembers that all before `offset` is stored.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn reach(&mut self, offset: u64) -> anyhow::Result<()> {
        let Some(kept) = &mut self.0 else { return Ok(()) };
        kept.reached.offset = offset;
        let folder = kept.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || -> anyhow::Result<()> {
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(&kept.reached)?)?;
            file.persist(&kept.path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", kept.path.display()))
    }

    /// Forgets it: everything is stored.
    ///
    /// # Errors
    /// Where the file cannot be removed.
    pub fn done(self) -> anyhow::Result<()> {
        let Some(kept) = self.0 else { return Ok(()) };
        match fs::remove_file(&kept.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", kept.path.display()))
            }
            _ => Ok(()),
        }
    }
}
