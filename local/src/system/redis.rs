//! A Redis of our own, with the settings that Larder's promise rests on.

use std::ffi::OsStr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use redis::Client;

use super::data::DataFolder;
use super::log::Output;
use super::process::{Process, Start};
use super::redis_program::RedisProgram;

/// How long Redis may take to load its data.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A Redis server on 127.0.0.1, without a password.
#[derive(Debug)]
pub struct RedisServer {
    program: RedisProgram,
    /// Holds `redis.log` and, in `redis/`, the data.
    folder: PathBuf,
    lock: Option<std::sync::Arc<DataFolder>>,
    port: u16,
    arguments: Vec<String>,
    process: Process,
}

impl RedisServer {
    /// Starts a server with its data in `<folder>/redis` and its log in `<folder>/redis.log`, and
    /// waits until it answers. Every write is on disk before it is acknowledged. `arguments` come
    /// last, so they win over ours.
    ///
    /// # Errors
    /// Where no fit Redis is installed or it does not come up; the message ends with its log.
    pub async fn start(folder: &Path, port: u16, arguments: &[&str]) -> Result<Self> {
        Self::start_in(RedisProgram::find()?, folder, None, port, arguments).await
    }

    pub(super) async fn start_in(
        program: RedisProgram,
        folder: &Path,
        lock: Option<std::sync::Arc<DataFolder>>,
        port: u16,
        arguments: &[&str],
    ) -> Result<Self> {
        let data = folder.join("redis");
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make the folder {}", data.display()))?;
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let process = spawn(&program, folder, lock.as_deref(), port, &arguments)?;
        let mut server = Self { program, folder: folder.to_path_buf(), lock, port, arguments, process };
        server.wait_until_up().await?;
        Ok(server)
    }

    /// `redis://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &RedisProgram {
        &self.program
    }

    /// Starts it again on the same port and data, after a kill where it still runs.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = spawn(&self.program, &self.folder, self.lock.as_deref(), self.port, &self.arguments)?;
        self.wait_until_up().await
    }

    /// Waits until it has loaded its data, and makes sure that the Redis on our port is ours.
    async fn wait_until_up(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_exited()? {
                let output = self.process.output();
                bail!("Redis did not start ({status}); {}, and ends so:\n{}", output.place(), output.tail());
            }
            match self.serving_pid().await {
                Ok(pid) if pid == self.process.pid() => return Ok(()),
                Ok(pid) => tracing::debug!("the Redis on port {} is process {pid}, not ours", self.port),
                Err(error) => tracing::trace!("Redis is not up yet: {error:#}"),
            }
            if start.elapsed() > START_DEADLINE {
                bail!("Redis did not come up within {START_DEADLINE:?}; {}", self.process.output().place());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The process that answers on our port, once it has loaded its data.
    async fn serving_pid(&self) -> Result<u32> {
        let mut connection = Client::open(self.url())?.get_multiplexed_async_connection().await?;
        // Refused with LOADING until the data is there.
        let _: String = redis::cmd("PING").query_async(&mut connection).await?;
        let info: redis::InfoDict = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        info.get("process_id").context("INFO has no process_id")
    }
}

fn spawn(
    program: &RedisProgram,
    folder: &Path,
    lock: Option<&DataFolder>,
    port: u16,
    arguments: &[String],
) -> Result<Process> {
    let (data, port) = (folder.join("redis"), port.to_string());
    let own = [
        ["--port", &port].map(OsStr::new),
        ["--bind", "127.0.0.1"].map(OsStr::new),
        ["--daemonize", "no"].map(OsStr::new),
        [OsStr::new("--dir"), data.as_os_str()],
        // On disk before it is acknowledged; never evicted to make room; no second, older copy.
        ["--appendonly", "yes"].map(OsStr::new),
        ["--appendfsync", "always"].map(OsStr::new),
        ["--maxmemory-policy", "noeviction"].map(OsStr::new),
        ["--save", ""].map(OsStr::new),
    ];
    Process::start(Start {
        name: "Redis server",
        program: program.path(),
        arguments: own.into_iter().flatten().chain(arguments.iter().map(OsStr::new)).collect(),
        environment: vec![],
        stdin: lock.map_or_else(|| Ok(Stdio::null()), DataFolder::lock_for_child)?,
        output: Output::File(folder.join("redis.log")),
    })
}

impl Deref for RedisServer {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for RedisServer {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
