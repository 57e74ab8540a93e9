//! How to put a [`System`] together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::api::{ApiProcess, ApiSettings, Runtime};
use super::artifacts::Program;
use super::data::DataFolder;
use super::log::Output;
use super::port::Port;
use super::prometheus::{self, Prometheus};
use super::redis::{Redis, RedisSettings, Topology};
use super::running::System;
use super::wasi::Wasi;
use super::worker::WorkerProcess;

/// After how long without an answer a cluster takes a node for dead: long, so that no test has a
/// failover that it does not mean, however busy the machine is.
const NODE_TIMEOUT: Duration = Duration::from_secs(15);

/// The settings of a [`System`]. Without any: one worker, free ports, a temporary folder, logs
/// into files, the runtime that `LARDER_RUNTIME` names, the WASI that `LARDER_WASI` names, and a
/// cluster where `LARDER_CLUSTER` says so.
#[derive(Debug)]
pub struct SystemBuilder {
    workers: usize,
    variables: Vec<(String, String)>,
    api_environment: Vec<(String, String)>,
    worker_environment: Vec<(String, String)>,
    redis_arguments: Vec<String>,
    topology: Option<Topology>,
    node_timeout: Duration,
    runtime: Option<Runtime>,
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    program: Option<PathBuf>,
    wasi: Option<Wasi>,
    manifest: Option<PathBuf>,
    runtime_config: Option<PathBuf>,
    inherit_output: bool,
    admin: bool,
    observed: bool,
    api_metrics: Option<SocketAddr>,
    ready_within: Duration,
}

impl Default for SystemBuilder {
    fn default() -> Self {
        Self {
            workers: 1,
            variables: vec![],
            api_environment: vec![],
            worker_environment: vec![],
            redis_arguments: vec![],
            topology: None,
            node_timeout: NODE_TIMEOUT,
            runtime: None,
            listen: None,
            data: None,
            program: None,
            wasi: None,
            manifest: None,
            runtime_config: None,
            inherit_output: false,
            admin: false,
            observed: false,
            api_metrics: None,
            ready_within: Duration::from_secs(60),
        }
    }
}

impl System {
    /// A system to be put together.
    #[must_use]
    pub fn builder() -> SystemBuilder {
        SystemBuilder::default()
    }
}

impl SystemBuilder {
    /// How many workers to start.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets a variable of the application, such as `max_pending`.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets an environment variable of the component's runtime, such as `SSL_CERT_FILE`.
    #[must_use]
    pub fn api_env(mut self, name: &str, value: &str) -> Self {
        self.api_environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets an environment variable of every worker.
    #[must_use]
    pub fn worker_env(mut self, name: &str, value: &str) -> Self {
        self.worker_environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds arguments for every Redis, such as `["--maxmemory", "100mb"]`.
    #[must_use]
    pub fn redis_args(mut self, arguments: &[&str]) -> Self {
        self.redis_arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// Chooses between one Redis and a cluster.
    #[must_use]
    pub fn topology(mut self, topology: Topology) -> Self {
        self.topology = Some(topology);
        self
    }

    /// After how long without an answer a cluster takes a node for dead; 15 s.
    #[must_use]
    pub fn node_timeout(mut self, timeout: Duration) -> Self {
        self.node_timeout = timeout;
        self
    }

    /// Chooses what runs the component.
    #[must_use]
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Chooses where the component listens.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Chooses a folder for the data, which stays.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_path_buf());
        self
    }

    /// Chooses the `larder-local` that runs the component and the workers, and the application that it holds in itself,
    /// in place of what the workspace has.
    #[must_use]
    pub fn program(mut self, larder_local: &Path) -> Self {
        self.program = Some(larder_local.to_path_buf());
        self
    }

    /// Chooses the version of WASI.
    #[must_use]
    pub fn wasi(mut self, wasi: Wasi) -> Self {
        self.wasi = Some(wasi);
        self
    }

    /// Chooses the manifest, in place of the workspace's.
    #[must_use]
    pub fn manifest(mut self, file: &Path) -> Self {
        self.manifest = Some(file.to_path_buf());
        self
    }

    /// Chooses Spin's runtime configuration, in place of the workspace's.
    #[must_use]
    pub fn runtime_config(mut self, file: &Path) -> Self {
        self.runtime_config = Some(file.to_path_buf());
        self
    }

    /// Lets the workers and the component write to our own output. Redis always has a file.
    #[must_use]
    pub fn inherit_output(mut self) -> Self {
        self.inherit_output = true;
        self
    }

    /// Has the component's runtime, if it is ours, serve its figures there.
    #[must_use]
    pub fn api_metrics(mut self, address: SocketAddr) -> Self {
        self.api_metrics = Some(address);
        self
    }

    /// Has each worker serve its state and its metrics ([`WorkerProcess::admin_url`]).
    #[must_use]
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Has the workers and the component's runtime serve their metrics, and Prometheus read them.
    #[must_use]
    pub fn observed(mut self) -> Self {
        self.observed = true;
        self
    }

    /// How long everything together may take to become ready; 60 s.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Starts Redis, the workers and the component, and waits until the store is ready. Without
    /// workers it never is, and only waits until the component answers.
    ///
    /// # Errors
    /// Where a part is missing, does not start, or is not ready in time. Everything that was
    /// started is gone then; the ends of the logs are printed to standard error.
    pub async fn start(self) -> Result<System> {
        let prometheus = self.observed.then(prometheus::find).transpose()?;
        let data = Arc::new(match &self.data {
            Some(folder) => DataFolder::open(folder)?,
            None => DataFolder::temporary()?,
        });
        let redis_settings = RedisSettings {
            topology: self.topology.map_or_else(Topology::from_env, Ok)?,
            arguments: self.redis_arguments.clone(),
            node_timeout: self.node_timeout,
        };
        let redis = Redis::start(&redis_settings, &data).await?;
        let mut ports = Vec::new();
        let listen = match self.listen {
            Some(address) => address,
            None => reserve(&mut ports)?,
        };
        let admins = match self.admin || self.observed {
            true => (0..self.workers).map(|_| reserve(&mut ports)).collect::<Result<Vec<_>>>()?,
            false => vec![],
        };
        let api_metrics = match self.api_metrics {
            None if self.observed => Some(reserve(&mut ports)?),
            address => address,
        };
        let log = |name: &str| {
            if self.inherit_output { Output::Inherited } else { Output::File(data.path().join(format!("{name}.log"))) }
        };
        let url = redis.url();
        let environment = borrowed(&self.worker_environment);
        let workers = (0..self.workers)
            .map(|number| {
                let name = if self.workers == 1 { "worker".to_owned() } else { format!("worker-{number}") };
                let program = match &self.program {
                    Some(path) => Program::local(Some(path), "worker")?,
                    None => Program::worker()?,
                };
                let admin = admins.get(number).copied();
                WorkerProcess::start_as(&name, program, &url, admin, &environment, &[], log(&name))
            })
            .collect::<Result<Vec<_>>>()?;
        let runtime = self.runtime.map_or_else(Runtime::from_env, Ok)?;
        let wasi = self.wasi.map_or_else(Wasi::from_env, Ok)?;
        let mut settings = ApiSettings::new(runtime, wasi, listen, &url, log("component"));
        settings.variables.extend(self.variables);
        settings.environment = self.api_environment;
        if self.program.is_some() {
            (settings.manifest, settings.runtime_config) = (None, None);
        }
        settings.program = self.program;
        settings.manifest = self.manifest.or(settings.manifest);
        settings.runtime_config = self.runtime_config.or(settings.runtime_config);
        settings.metrics = api_metrics;
        let api = ApiProcess::start(settings)?;

        let mut system = System::new(api, workers, redis, data, ports);
        if let Err(error) = system.wait_until_ready(self.ready_within).await {
            if !self.inherit_output {
                eprint!("{}", system.log_tails());
            }
            return Err(error);
        }
        if let Some(program) = prometheus {
            let requests = api_metrics.filter(|_| runtime == Runtime::Builtin);
            system.prometheus = Some(Prometheus::start(&program, system.data().path(), &admins, requests).await?);
        }
        Ok(system)
    }
}

/// A free port, which `ports` keep for us.
fn reserve(ports: &mut Vec<Port>) -> Result<SocketAddr> {
    let port = Port::reserve()?;
    let address = port.address();
    ports.push(port);
    Ok(address)
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
