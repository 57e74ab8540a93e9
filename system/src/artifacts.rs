//! Finds the programs that the system is made of.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The root of the workspace that this crate was built in.
#[must_use]
pub fn workspace_root() -> PathBuf {
    // No `..` in it: the path appears in messages.
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// A program of this workspace: next to the running one, else where cargo puts release builds.
///
/// # Errors
/// Where it is not built; the message names the command that builds it.
pub fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where the running program is")?;
    let folder = own.parent().unwrap_or(Path::new(""));
    // Test binaries lie one folder deeper than programs.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let candidates = [folder.join(name), workspace_root().join("target/release").join(name)];
    match candidates.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => bail!("{name} is not built (it would be {}): run `make build`", candidates[0].display()),
    }
}

/// A program, and the arguments that always come first.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub path: PathBuf,
    pub first: Vec<&'static str>,
}

impl Program {
    /// The worker of this workspace.
    pub fn worker() -> Result<Self> {
        Ok(Self { path: built("larder-worker")?, first: vec![] })
    }

    /// A part of `larder-local`, which is its own subcommand: of the one at `path`, else of this workspace's.
    pub fn local(path: Option<&Path>, subcommand: &'static str) -> Result<Self> {
        let path = path.map_or_else(|| built("larder-local"), |path| Ok(path.to_path_buf()))?;
        Ok(Self { path, first: vec![subcommand] })
    }
}

/// A program on the PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
