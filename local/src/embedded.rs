//! The application that this program holds in itself, so that it runs anywhere: the manifests, Spin's runtime
//! configuration and the components.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use larder_system::Wasi;

/// The application for one version of WASI.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    wasi: Wasi,
    /// The text of the manifest.
    pub manifest: &'static str,
    component: &'static [u8],
}

const RUNTIME_CONFIG: &str = include_str!("../../runtime-config.toml");

impl Embedded {
    /// The application for this version.
    #[must_use]
    pub fn of(wasi: Wasi) -> Self {
        let (manifest, component): (_, &[u8]) = match wasi {
            Wasi::V0_3 => {
                (include_str!("../../spin.toml"), include_bytes!(concat!(env!("OUT_DIR"), "/larder_wasip3.wasm")))
            }
            Wasi::V0_2 => (
                include_str!("../../spin-wasip2.toml"),
                include_bytes!(concat!(env!("OUT_DIR"), "/larder_wasip2.wasm")),
            ),
        };
        Self { wasi, manifest, component }
    }

    /// The component.
    ///
    /// # Errors
    /// Where this program was built before the components were.
    pub fn component(&self) -> Result<&'static [u8]> {
        ensure!(
            !self.component.is_empty(),
            "this larder-local was built without the components: run `make build`, or name an application with --from"
        );
        Ok(self.component)
    }

    /// Writes the application into a folder, for `spin`, and returns the paths of its manifest and of the runtime
    /// configuration. The component, `wasm`, lies where the manifest says.
    ///
    /// # Errors
    /// Where the folder cannot be written, or as [`Embedded::component`].
    pub fn unpack(&self, folder: &Path, wasm: &Path) -> Result<(PathBuf, PathBuf)> {
        let (manifest, runtime_config) = (self.wasi.manifest(folder), folder.join("runtime-config.toml"));
        let component = folder.join(wasm);
        fs::create_dir_all(component.parent().unwrap_or(folder))
            .and_then(|()| fs::write(&manifest, self.manifest))
            .and_then(|()| fs::write(&runtime_config, RUNTIME_CONFIG))
            .with_context(|| format!("cannot write the application into {}", folder.display()))?;
        fs::write(&component, self.component()?).with_context(|| format!("cannot write {}", component.display()))?;
        Ok((manifest, runtime_config))
    }
}
