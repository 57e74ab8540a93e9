//! The component as a child process: under the built-in runtime, or under Spin.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::artifacts::{built, on_path, workspace_root};
use super::log::Output;
use super::process::{Process, Start};
use super::wasi::Wasi;

/// What runs the component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// `larder-local serve`
    #[default]
    Builtin,
    /// The `spin` on the PATH.
    Spin,
}

impl Runtime {
    /// What the environment variable `LARDER_RUNTIME` says, else [`Runtime::Builtin`].
    ///
    /// # Errors
    /// Where it names neither.
    pub fn from_env() -> Result<Self> {
        match std::env::var("LARDER_RUNTIME") {
            Err(_) => Ok(Self::default()),
            Ok(name) => name.parse(),
        }
    }
}

impl std::str::FromStr for Runtime {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "" | "builtin" => Ok(Self::Builtin),
            "spin" => Ok(Self::Spin),
            _ => bail!("\"{name}\" is not a runtime; it is builtin or spin"),
        }
    }
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// What runs it.
    pub runtime: Runtime,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The manifest.
    pub manifest: PathBuf,
    /// Spin's runtime configuration.
    pub runtime_config: PathBuf,
    /// Application variables, by their names in the manifest.
    pub variables: Vec<(String, String)>,
    /// More environment variables of the runtime, such as `SSL_CERT_FILE`.
    pub environment: Vec<(String, String)>,
    /// Where it serves its figures for Prometheus, if the runtime is ours.
    pub metrics: Option<SocketAddr>,
    /// Where its log goes.
    pub output: Output,
}

impl ApiSettings {
    /// This workspace's component, with its Redis at this address, or its cluster at these.
    #[must_use]
    pub fn new(runtime: Runtime, wasi: Wasi, listen: SocketAddr, redis_url: &str, output: Output) -> Self {
        let root = workspace_root();
        Self {
            runtime,
            listen,
            manifest: wasi.manifest(&root),
            runtime_config: root.join("runtime-config.toml"),
            // The Redis is ours: no credentials of another one in our environment are for it.
            variables: [
                ("redis_address", redis_url),
                ("redis_nodes", "redis://127.0.0.1:*"),
                ("redis_username", ""),
                ("redis_password", ""),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            environment: vec![],
            metrics: None,
            output,
        }
    }

    /// Sets a variable of the application.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn spawn(&self) -> Result<Process> {
        let (program, subcommand) = match self.runtime {
            Runtime::Builtin => (built("larder-local")?, "serve"),
            Runtime::Spin => (
                on_path("spin").context(
                    "there is no `spin` on the PATH: install Spin (4.1 or newer for WASI 0.3), or unset LARDER_RUNTIME",
                )?,
                "up",
            ),
        };
        let listen = self.listen.to_string();
        let metrics = self.metrics.filter(|_| self.runtime == Runtime::Builtin).map(|address| address.to_string());
        let metrics = metrics.iter().flat_map(|address| ["--metrics-listen", address].map(OsStr::new));
        let variables =
            self.variables.iter().map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()), value));
        let environment: Vec<_> =
            variables.chain(self.environment.iter().map(|(name, value)| (name.clone(), value))).collect();
        Process::start(Start {
            name: "component",
            program: &program,
            arguments: [
                OsStr::new(subcommand),
                OsStr::new("--from"),
                self.manifest.as_os_str(),
                OsStr::new("--listen"),
                OsStr::new(&listen),
                OsStr::new("--runtime-config-file"),
                self.runtime_config.as_os_str(),
            ]
            .into_iter()
            .chain(metrics)
            .collect(),
            environment: environment.iter().map(|(name, value)| (name.as_str(), OsStr::new(value))).collect(),
            stdin: Stdio::null(),
            output: self.output.clone(),
        })
    }
}

/// The running component.
#[derive(Debug)]
pub struct ApiProcess {
    settings: ApiSettings,
    process: Process,
}

impl ApiProcess {
    /// Starts it, and does not wait until it answers.
    ///
    /// # Errors
    /// Where the runtime is not there or cannot be started.
    pub fn start(settings: ApiSettings) -> Result<Self> {
        Ok(Self { process: settings.spawn()?, settings })
    }

    /// `http://<address>`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.settings.listen)
    }

    /// Starts it again with the same settings, after a kill where it still runs.
    ///
    /// # Errors
    /// As [`ApiProcess::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = self.settings.spawn()?;
        Ok(())
    }
}

impl Deref for ApiProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for ApiProcess {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
