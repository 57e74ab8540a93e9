//! The contexts: stores by name, in a file of the user's.
//!
//! ```toml
//! current = "dev"
//!
//! [contexts.prod]
//! url = "https://larder.example"
//! token_file = "/home/ada/.config/larder/prod.token"
//! read_only = true
//! ```
//!
//! The file has no secrets: a token is in a file of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use etcetera::{BaseStrategy as _, choose_base_strategy};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// All contexts.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// Which one counts where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    #[serde(default)]
    pub contexts: BTreeMap<String, Context>,
}

/// A store, and how to reach it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    pub url: Url,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The admin server of a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Url>,
    /// The control server of a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Url>,
    /// Refuse whatever writes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Contexts {
    /// Where they are: `LARDER_CONFIG`, or `larder/contexts.toml` where the system has settings.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn path(given: Option<&Path>) -> anyhow::Result<PathBuf> {
        match given {
            Some(path) => Ok(path.to_owned()),
            None => {
                let strategy = choose_base_strategy().context("where are your settings? set LARDER_CONFIG")?;
                Ok(strategy.config_dir().join("larder/contexts.toml"))
            }
        }
    }

    /// Reads them; none where there is no file.
    ///
    /// # Errors
    /// Where the file cannot be read or is malformed.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        toml::from_str(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())).into())
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// Where that is not possible.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let write = || -> anyhow::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(toml::to_string(self)?.as_bytes())?;
            file.persist(path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// The context of this name.
    ///
    /// # Errors
    /// [`Failure::Usage`] where there is none; it names those that there are.
    pub fn get(&self, name: &str) -> Result<&Context, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<_> = self.contexts.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there are none".to_owned() } else { format!("known: {}", known.join(", ")) };
            Failure::Usage(format!("there is no context {name:?} ({known}); `larder context add` makes one"))
        })
    }
}
