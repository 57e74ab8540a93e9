//! A whole Larder: Redis, workers and the component.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::future::{BoxFuture, FutureExt as _, select_all};
use reqwest::StatusCode;

use super::api::ApiProcess;
use super::client::http_client;
use super::data::DataFolder;
use super::log::Output;
use super::port::Port;
use super::process::Process;
use super::prometheus::Prometheus;
use super::redis::Redis;
use super::worker::WorkerProcess;

/// How long each part may take to stop before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How long a node of a cluster stays away: longer than the others take to replace it.
const REVIVAL: Duration = Duration::from_secs(5);

/// How long one readiness check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything, running. Dropping it kills all of it; the fields are in that order.
#[derive(Debug)]
pub struct System {
    /// The component.
    pub api: ApiProcess,
    /// The workers.
    pub workers: Vec<WorkerProcess>,
    /// Prometheus, where there is one.
    pub prometheus: Option<Prometheus>,
    /// Redis.
    pub redis: Redis,
    data: Arc<DataFolder>,
    /// What the others listen on.
    _ports: Vec<Port>,
}

/// A process that ended though nobody asked it to.
#[derive(Debug)]
pub struct Death {
    /// Which one.
    pub name: String,
    /// How.
    pub status: ExitStatus,
    /// Where its log is, as a clause.
    pub log: String,
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} ended by itself ({}); {}", self.name, self.status, self.log)
    }
}

impl Drop for System {
    /// A test that fails shows what its processes said last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprint!("{}", self.log_tails());
        }
    }
}

impl System {
    pub(super) fn new(
        api: ApiProcess,
        workers: Vec<WorkerProcess>,
        redis: Redis,
        data: Arc<DataFolder>,
        ports: Vec<Port>,
    ) -> Self {
        Self { api, workers, prometheus: None, redis, data, _ports: ports }
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.api.url()
    }

    /// The folder with the data and the logs.
    #[must_use]
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// The logs of all processes, as far as they are in files.
    pub fn logs(&mut self) -> String {
        self.logs_by(Output::text)
    }

    /// The last lines of each of the [`System::logs`].
    pub(super) fn log_tails(&mut self) -> String {
        self.logs_by(Output::tail)
    }

    fn logs_by(&mut self, read: impl Fn(&Output) -> String) -> String {
        let logs = self.processes().into_iter().map(|process| {
            let log = read(process.output());
            format!("--- log of the {} ---\n{}\n", process.name(), log.trim_end())
        });
        logs.collect()
    }

    /// Waits until `GET /health/ready` is 200; without workers, until the component answers.
    ///
    /// # Errors
    /// Where it is not within `limit`, with what it said last, or a process ended meanwhile.
    pub async fn wait_until_ready(&mut self, limit: Duration) -> Result<()> {
        let url = format!("{}/health/{}", self.url(), if self.workers.is_empty() { "live" } else { "ready" });
        let client = http_client().timeout(CHECK_TIMEOUT).build()?;
        let start = Instant::now();
        loop {
            let last = match client.get(&url).send().await {
                Ok(answer) if answer.status() == StatusCode::OK => return Ok(()),
                Ok(answer) if answer.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                    bail!("Larder cannot work like this: GET {url} answers 500; its log says why");
                }
                Ok(answer) => {
                    let status = answer.status();
                    format!("GET {url} answers {status}: {}", answer.text().await.unwrap_or_default())
                }
                Err(error) => format!("{:#}", anyhow::Error::from(error)),
            };
            if let Some(death) = self.dead()? {
                bail!("{death}");
            }
            if start.elapsed() > limit {
                bail!("Larder is not ready after {limit:?}. {last}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until one of the processes ends by itself. A node of a cluster, for which others stand
    /// in, is started again instead. Cancel safe.
    ///
    /// # Errors
    /// Where the system does not tell, or a node does not start again.
    pub async fn first_death(&mut self) -> Result<Death> {
        loop {
            let deaths: Vec<BoxFuture<'_, Result<Death>>> =
                self.processes().into_iter().map(|process| death_of(process).boxed()).collect();
            let (death, number, _) = select_all(deaths).await;
            let death = death?;
            // The processes of Redis are the first.
            match self.redis.cluster_mut().filter(|cluster| number < cluster.nodes().count()) {
                None => return Ok(death),
                Some(cluster) => {
                    tracing::warn!("{death}. It is started again in {REVIVAL:?}");
                    tokio::time::sleep(REVIVAL).await;
                    cluster.node_mut(number).restart().await?;
                }
            }
        }
    }

    /// Stops the component, then the workers, then Prometheus and Redis, each with five seconds of patience.
    ///
    /// # Errors
    /// Where the system does not let us signal a process of ours.
    pub async fn stop(&mut self) -> Result<()> {
        self.api.terminate(STOP_PATIENCE).await?;
        let workers = self.workers.iter_mut().map(|worker| worker.terminate(STOP_PATIENCE));
        futures::future::try_join_all(workers).await?;
        if let Some(prometheus) = &mut self.prometheus {
            prometheus.terminate(STOP_PATIENCE).await?;
        }
        self.redis.terminate(STOP_PATIENCE).await?;
        Ok(())
    }

    /// The ids of all processes.
    pub fn pids(&mut self) -> Vec<u32> {
        self.processes().into_iter().map(|process| process.pid()).collect()
    }

    fn processes(&mut self) -> Vec<&mut Process> {
        let workers = self.workers.iter_mut().map(|worker| &mut **worker);
        // Redis first: where it is the cause, the others tell only of the effect.
        let prometheus = self.prometheus.as_deref_mut();
        self.redis.processes().into_iter().chain(workers).chain([&mut *self.api]).chain(prometheus).collect()
    }

    fn dead(&mut self) -> Result<Option<Death>> {
        for process in self.processes() {
            if let Some(status) = process.try_exited()?
                && !process.was_told_to_end()
            {
                return Ok(Some(death(process, status)));
            }
        }
        Ok(None)
    }
}

async fn death_of(process: &mut Process) -> Result<Death> {
    let status = process.wait().await?;
    Ok(death(process, status))
}

fn death(process: &Process, status: ExitStatus) -> Death {
    Death { name: process.name().to_owned(), status, log: process.output().place() }
}
