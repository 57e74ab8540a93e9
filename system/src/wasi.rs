//! The version of WASI that the component under test is built for.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};

/// A version of WASI; the component has a shell, and the application a manifest, for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wasi {
    /// 0.3: Spin 4.1 and later. Spin keeps and shares instances.
    #[default]
    V0_3,
    /// 0.2: Spin 3.0 and later. Spin makes an instance for each request.
    V0_2,
}

impl Wasi {
    /// What the environment variable `LARDER_WASI` says, else [`Wasi::V0_3`].
    ///
    /// # Errors
    /// Where it names neither.
    pub fn from_env() -> Result<Self> {
        std::env::var("LARDER_WASI").map_or_else(|_| Ok(Self::default()), |version| version.parse())
    }

    /// Its manifest, in this folder.
    #[must_use]
    pub fn manifest(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::V0_3 => "spin.toml",
            Self::V0_2 => "spin-wasip2.toml",
        })
    }
}

impl std::fmt::Display for Wasi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V0_3 => "0.3",
            Self::V0_2 => "0.2",
        })
    }
}

impl FromStr for Wasi {
    type Err = anyhow::Error;

    fn from_str(version: &str) -> Result<Self> {
        match version {
            "" | "0.3" => Ok(Self::V0_3),
            "0.2" => Ok(Self::V0_2),
            _ => bail!("\"{version}\" is not a version of WASI that Larder is built for; those are 0.3 and 0.2"),
        }
    }
}
