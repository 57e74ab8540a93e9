//! A Redis of our own, with the settings that Larder's promise rests on.

use std::ffi::OsStr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use redis::{AsyncConnectionConfig, Client, FromRedisValue};

use super::clock::Clock;
use super::program::RedisProgram;
use crate::data::DataFolder;
use crate::log::Output;
use crate::process::{Process, Start};

/// How long Redis may take to load its data.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// How long a command may take. A paused server does not answer.
const ASK_PATIENCE: Duration = Duration::from_secs(1);

/// A Redis server on 127.0.0.1, without a password.
#[derive(Debug)]
pub struct RedisServer {
    settings: Settings,
    process: Process,
}

/// What to start.
#[derive(Debug)]
pub(super) struct Settings {
    /// What it is called in messages.
    pub name: String,
    pub program: RedisProgram,
    /// Holds `redis.log` and, in `redis/`, the data.
    pub folder: PathBuf,
    pub lock: Option<Arc<DataFolder>>,
    pub port: u16,
    /// They come last, so they win over ours.
    pub arguments: Vec<String>,
    pub clock: Clock,
}

impl RedisServer {
    /// Starts a server with its data in `<folder>/redis` and its log in `<folder>/redis.log`, and
    /// waits until it answers. Every write is on disk before it is acknowledged. `arguments` come
    /// last, so they win over ours.
    ///
    /// # Errors
    /// Where no fit Redis is installed or it does not come up; the message ends with its log.
    pub async fn start(folder: &Path, port: u16, arguments: &[&str]) -> Result<Self> {
        let settings = Settings {
            name: "Redis server".to_owned(),
            program: RedisProgram::find()?,
            folder: folder.to_path_buf(),
            lock: None,
            port,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            clock: Clock::default(),
        };
        Self::start_with(settings).await
    }

    pub(super) async fn start_with(settings: Settings) -> Result<Self> {
        let data = settings.data();
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make the folder {}", data.display()))?;
        let mut server = Self { process: settings.spawn()?, settings };
        server.wait_until_up().await?;
        Ok(server)
    }

    /// `redis://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.settings.port
    }

    /// The folder that holds its log and, in `redis/`, its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.settings.folder
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &RedisProgram {
        &self.settings.program
    }

    /// Has another clock from its next start on.
    pub fn set_clock(&mut self, clock: Clock) {
        self.settings.clock = clock;
    }

    /// Starts it again on the same port and data, after a kill where it still runs.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = self.settings.spawn()?;
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
                Ok(pid) => tracing::debug!("the Redis on port {} is process {pid}, not ours", self.port()),
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
        // Refused with LOADING until the data is there.
        let _: String = self.ask(&["PING"]).await?;
        let info: redis::InfoDict = self.ask(&["INFO", "server"]).await?;
        info.get("process_id").context("INFO has no process_id")
    }

    /// Sends one command, on a connection of its own.
    pub(super) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(ASK_PATIENCE));
        let client = Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
        Ok(redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await?)
    }
}

impl Settings {
    fn data(&self) -> PathBuf {
        self.folder.join("redis")
    }

    fn spawn(&self) -> Result<Process> {
        let (data, port) = (self.data(), self.port.to_string());
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
        let clock = self.clock.environment()?;
        Process::start(Start {
            name: &self.name,
            program: self.program.path(),
            arguments: own.into_iter().flatten().chain(self.arguments.iter().map(OsStr::new)).collect(),
            environment: clock.iter().map(|(name, value)| (*name, value.as_os_str())).collect(),
            stdin: self.lock.as_deref().map_or_else(|| Ok(Stdio::null()), DataFolder::lock_for_child)?,
            output: Output::File(self.folder.join("redis.log")),
            on_our_death: Signal::SIGKILL,
        })
    }
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
