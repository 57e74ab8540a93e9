//! A worker of its own, without a component.

use anyhow::ensure;
use larder_system::{Output, Port, WorkerProcess};
use tempfile::TempDir;

use crate::larder::{eventually, http};

/// A worker whose log and admin server can be read.
pub struct Worker {
    /// The process.
    pub process: WorkerProcess,
    admin: Port,
    logs: TempDir,
}

impl Worker {
    /// Starts it for this Redis.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(redis: &str, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (admin, logs) = (Port::reserve()?, TempDir::new()?);
        let listen = format!("127.0.0.1:{}", admin.number());
        let environment = [&[("LARDER_ADMIN_LISTEN", listen.as_str())], environment].concat();
        let log = Output::File(logs.path().join("worker.log"));
        Ok(Self { process: WorkerProcess::start(redis, &environment, &[], log)?, admin, logs })
    }

    /// What it has logged so far.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.logs.path().join("worker.log"))?)
    }

    /// A page of its admin server.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn page(&self, path: &str) -> anyhow::Result<String> {
        Ok(http().get(format!("http://127.0.0.1:{}{path}", self.admin.number())).send().await?.text().await?)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// Where it is not in time.
    pub async fn is_ready(&self) -> anyhow::Result<()> {
        eventually("the worker is ready", async || {
            let says = self.page("/ready").await?;
            ensure!(says == "ready\n", "{says}");
            Ok(())
        })
        .await
    }
}

impl Drop for Worker {
    /// A test that fails shows what it printed.
    fn drop(&mut self) {
        println!("{}", self.log().unwrap_or_default());
    }
}
