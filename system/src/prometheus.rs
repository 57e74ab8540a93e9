//! Prometheus beside a system, with the rules of the manifests for Kubernetes: what the workers tell, as graphs, and
//! the alerts that it would be woken by who operates it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::artifacts::on_path;
use super::client::http_client;
use super::log::Output;
use super::port::Port;
use super::process::{Process, Start};

/// The PrometheusRule, whose `spec` is what Prometheus reads as a file of rules.
const RULES: &str = include_str!("../../k8s/components/prometheus/alerts.yaml");

/// How often it asks the workers, and looks at the rules: for people who try something and watch.
const INTERVAL: &str = "5s";

/// How long it may take to load its data.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    port: Port,
}

/// The program.
///
/// # Errors
/// Where it is not installed; the message says how to.
pub(super) fn find() -> Result<PathBuf> {
    on_path("prometheus").context(
        "there is no `prometheus` on the PATH. Install Prometheus (Debian: sudo apt-get install prometheus), \
         or leave out OBSERVE=1",
    )
}

impl Prometheus {
    /// Starts it with its files in `<data>/prometheus` and its log in `<data>/prometheus.log`, and waits until it
    /// answers. It asks the workers whose admin servers are at these addresses, and who tells of requests.
    pub(super) async fn start(
        program: &Path,
        data: &Path,
        workers: &[SocketAddr],
        requests: Option<SocketAddr>,
    ) -> Result<Self> {
        let folder = data.join("prometheus");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let (rules, config) = (folder.join("rules.yml"), folder.join("prometheus.yml"));
        // JSON is YAML, too.
        write(&rules, &self::rules()?)?;
        write(&config, &self::config(workers, requests))?;
        let port = Port::reserve()?;
        let (storage, listen) = (folder.join("data"), port.address().to_string());
        let arguments = [
            [OsStr::new("--config.file"), config.as_os_str()],
            [OsStr::new("--storage.tsdb.path"), storage.as_os_str()],
            ["--web.listen-address", &listen].map(OsStr::new),
            ["--log.level", "warn"].map(OsStr::new),
        ];
        let process = Process::start(Start {
            name: "Prometheus",
            program,
            arguments: arguments.into_iter().flatten().collect(),
            environment: vec![],
            stdin: Stdio::null(),
            output: Output::File(data.join("prometheus.log")),
            on_our_death: Signal::SIGKILL,
        })?;
        let mut prometheus = Self { process, port };
        prometheus.wait_until_up().await?;
        Ok(prometheus)
    }

    /// `http://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    async fn wait_until_up(&mut self) -> Result<()> {
        let url = format!("{}/-/ready", self.url());
        let client = http_client().timeout(Duration::from_secs(1)).build()?;
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_exited()? {
                let output = self.process.output();
                bail!("Prometheus did not start ({status}); {}, and ends so:\n{}", output.place(), output.tail());
            }
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if start.elapsed() > START_DEADLINE {
                bail!("Prometheus did not come up within {START_DEADLINE:?}; {}", self.process.output().place());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn config(workers: &[SocketAddr], requests: Option<SocketAddr>) -> Value {
    let requests: Vec<_> = requests.into_iter().collect();
    json!({
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {"job_name": "larder-worker", "static_configs": [{"targets": workers}]},
            {"job_name": "larder-local", "static_configs": [{"targets": requests}]},
        ],
    })
}

fn rules() -> Result<Value> {
    let mut manifest: Value = serde_saphyr::from_str(RULES).context("the PrometheusRule is no YAML")?;
    Ok(manifest["spec"].take())
}

fn write(path: &Path, content: &Value) -> Result<()> {
    std::fs::write(path, format!("{content:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}

impl Deref for Prometheus {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Prometheus {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
