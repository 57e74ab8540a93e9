//! Which application runs: the one in this program, or that of a folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use larder_local::embedded::Embedded;
use larder_local::spin::{Application, runtime_config};
use larder_system::Wasi;

/// What `serve` and `up` have in common.
#[derive(clap::Args)]
pub struct Source {
    /// The application: its folder, or its manifest. By default the one that this program holds in itself.
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// The version of WASI that the component is built for: 0.3 or 0.2.
    #[arg(long, env = "LARDER_WASI", value_name = "VERSION", default_value = "0.3")]
    pub wasi: Wasi,
    /// Spin's runtime configuration. By default the runtime-config.toml in the application's folder, if there is one.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
}

/// An application in files.
pub struct Files {
    pub manifest: PathBuf,
    pub runtime_config: Option<PathBuf>,
}

impl Source {
    /// The files of the application, where it is not the one in this program.
    pub fn files(&self) -> Option<Files> {
        let from = self.from.as_deref()?;
        let (folder, manifest) = match from.is_dir() {
            true => (from, self.wasi.manifest(from)),
            false => (from.parent().unwrap_or(Path::new("")), from.to_path_buf()),
        };
        let beside = Some(folder.join("runtime-config.toml")).filter(|file| file.is_file());
        Some(Files { manifest, runtime_config: self.runtime_config_file.clone().or(beside) })
    }

    /// The same, written into this folder where it is the one in this program: for `spin`.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn unpacked(&self, folder: &Path) -> Result<Files> {
        if let Some(files) = self.files() {
            return Ok(files);
        }
        let (manifest, runtime_config) = Embedded::of(self.wasi).unpack(folder, &self.application()?.wasm)?;
        Ok(Files { manifest, runtime_config: self.runtime_config_file.clone().or(Some(runtime_config)) })
    }

    /// The application, checked as Spin would, with values of variables from the environment.
    ///
    /// # Errors
    /// Where it is refused, or the runtime configuration is.
    pub fn application(&self) -> Result<Application> {
        let environment = |name: &str| std::env::var(name).ok();
        let files = self.files();
        let runtime_config = files.as_ref().and_then(|files| files.runtime_config.as_ref());
        if let Some(file) = runtime_config.or(self.runtime_config_file.as_ref()) {
            runtime_config::check(file)?;
        }
        match files {
            Some(files) => Application::load(&files.manifest, environment),
            None => Application::embedded(Embedded::of(self.wasi), environment),
        }
    }
}
