//! The Redis that is installed here: `redis-server` or `valkey-server`, 7.0 or newer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::artifacts::on_path;

/// Where to get it, for messages.
const INSTALL: &str =
    "install redis-server or valkey-server, version 7.0 or newer (Debian: apt-get install redis-server)";

/// A server program whose version suffices.
#[derive(Clone, Debug)]
pub struct RedisProgram {
    path: PathBuf,
    version: String,
}

impl RedisProgram {
    /// Looks at the `LARDER_REDIS_SERVER` environment variable, which holds a path, then for
    /// `redis-server` and `valkey-server` on the PATH.
    ///
    /// # Errors
    /// Where there is none, or it is older than 7.0, whose scripts Larder needs.
    pub fn find() -> Result<Self> {
        let chosen = std::env::var_os("LARDER_REDIS_SERVER").filter(|path| !path.is_empty());
        Self::choose(chosen)
    }

    fn choose(chosen: Option<OsString>) -> Result<Self> {
        let path = chosen
            .map(PathBuf::from)
            .or_else(|| on_path("redis-server"))
            .or_else(|| on_path("valkey-server"))
            .with_context(|| format!("there is no Redis on the PATH: {INSTALL}"))?;
        let shown = path.display();
        let output = std::process::Command::new(&path)
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run {shown} --version"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = parse_version(&text).with_context(|| format!("{shown} --version says no version: {text}"))?;
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        ensure!(major.is_some_and(|major| major >= 7), "{shown} is Redis {version}, which is too old: {INSTALL}");
        Ok(Self { version: version.to_owned(), path })
    }

    /// Where the program is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command line client that comes with it, `redis-cli` or `valkey-cli`.
    #[must_use]
    pub fn cli(&self) -> PathBuf {
        let server = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(server.replace("-server", "-cli"))
    }

    /// Its version, such as `7.0.15`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Finds the `v=7.0.15` in what `--version` says.
fn parse_version(text: &str) -> Option<&str> {
    text.split_whitespace().find_map(|word| word.strip_prefix("v="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_redis_and_valkey_is_read() {
        assert_eq!(parse_version("Redis server v=7.0.15 sha=0:0 malloc=jemalloc"), Some("7.0.15"));
        assert_eq!(parse_version("Server v=8.1.1 sha=0:0"), Some("8.1.1"));
        assert_eq!(parse_version("hello"), None);
    }

    #[test]
    fn its_client_lies_beside_it() {
        let program = RedisProgram { path: "/opt/valkey-server".into(), version: "9.0.0".to_owned() };
        assert_eq!(program.cli(), Path::new("/opt/valkey-cli"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = RedisProgram::choose(Some("/nowhere/redis".into())).unwrap_err().to_string();
        assert_eq!(error, "cannot run /nowhere/redis --version");
    }
}
