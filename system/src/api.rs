//! The component as a child process: under the built-in runtime, or under Spin.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::artifacts::{Program, on_path, workspace_root};
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
    /// The `larder-local` that is the builtin runtime, in place of the workspace's.
    pub program: Option<PathBuf>,
    /// The version of WASI that it is built for.
    pub wasi: Wasi,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The manifest; None: that which `larder-local` holds in itself.
    pub manifest: Option<PathBuf>,
    /// Spin's runtime configuration.
    pub runtime_config: Option<PathBuf>,
    /// Application variables, by their names in the manifest.
    pub variables: Vec<(String, String)>,
    /// More environment variables of the runtime, such as `SSL_CERT_FILE`.
    pub environment: Vec<(String, String)>,
    /// Where it serves its figures for Prometheus, if the runtime is ours.
    pub metrics: Option<SocketAddr>,
    /// Where its log goes.
    pub output: Output,
}

/// The pattern that lets the component connect to all Redis servers of this machine.
const LOOPBACK: &str = "redis://127.0.0.1:*";

impl ApiSettings {
    /// This workspace's component, with its Redis at this address, or its cluster at these.
    #[must_use]
    pub fn new(runtime: Runtime, wasi: Wasi, listen: SocketAddr, redis_url: &str, output: Output) -> Self {
        let root = workspace_root();
        // Spin wants one pattern for the nodes of a cluster.
        let (address, nodes) = if redis_url.contains(',') { (LOOPBACK, redis_url) } else { (redis_url, "") };
        Self {
            runtime,
            program: None,
            wasi,
            listen,
            manifest: Some(wasi.manifest(&root)),
            runtime_config: Some(root.join("runtime-config.toml")),
            // The Redis is ours: no credentials of another one in our environment are for it.
            variables: [
                ("redis_address", address),
                ("redis_nodes", nodes),
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
        let (listen, wasi, metrics) =
            (self.listen.to_string(), self.wasi.to_string(), self.metrics.map(|address| address.to_string()));
        let files = [("--from", &self.manifest), ("--runtime-config-file", &self.runtime_config)];
        let files = files.into_iter().filter_map(|(flag, file)| Some([OsStr::new(flag), file.as_deref()?.as_os_str()]));
        let mut arguments: Vec<_> =
            [["--listen", &listen].map(OsStr::new)].into_iter().chain(files).flatten().collect();
        let (program, on_our_death) = match self.runtime {
            Runtime::Builtin => {
                arguments.extend(["--wasi", &wasi].map(OsStr::new));
                arguments.extend(metrics.iter().flat_map(|address| ["--metrics-listen", address].map(OsStr::new)));
                (Program::local(self.program.as_deref(), "serve")?, Signal::SIGKILL)
            }
            Runtime::Spin => {
                let path = on_path("spin").context(
                    "there is no `spin` on the PATH: install Spin (4.1 or newer for WASI 0.3), or unset LARDER_RUNTIME",
                )?;
                // `spin up` has a child that serves, and ends it when it is asked to end; killed, it leaves it behind.
                (Program { path, first: vec!["up"] }, Signal::SIGTERM)
            }
        };
        let variables =
            self.variables.iter().map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()), value));
        let environment: Vec<_> =
            variables.chain(self.environment.iter().map(|(name, value)| (name.clone(), value))).collect();
        Process::start(Start {
            name: "component",
            program: &program.path,
            arguments: program.first.iter().map(OsStr::new).chain(arguments).collect(),
            environment: environment.iter().map(|(name, value)| (name.as_str(), OsStr::new(value))).collect(),
            stdin: Stdio::null(),
            output: self.output.clone(),
            on_our_death,
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
