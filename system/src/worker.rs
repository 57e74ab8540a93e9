//! The worker as a child process.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::process::Stdio;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::artifacts::Program;
use super::log::Output;
use super::port::Port;
use super::process::{Process, Start};

/// A running `larder-worker`.
#[derive(Debug)]
pub struct WorkerProcess {
    settings: Settings,
    process: Process,
    /// Its control server's. Several workers of one machine cannot share the default.
    control: Port,
    admin: Option<SocketAddr>,
}

#[derive(Debug)]
struct Settings {
    name: String,
    program: Program,
    redis_url: String,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    output: Output,
}

impl WorkerProcess {
    /// Starts a worker for this Redis. It does not wait for it: a worker waits for its Redis.
    ///
    /// # Errors
    /// Where the worker is not built or cannot be started.
    pub fn start(redis_url: &str, environment: &[(&str, &str)], arguments: &[&str], output: Output) -> Result<Self> {
        Self::start_as("worker", Program::worker()?, redis_url, None, environment, arguments, output)
    }

    pub(super) fn start_as(
        name: &str,
        program: Program,
        redis_url: &str,
        admin: Option<SocketAddr>,
        environment: &[(&str, &str)],
        arguments: &[&str],
        output: Output,
    ) -> Result<Self> {
        let control = Port::reserve()?;
        let servers = [("LARDER_CONTROL_LISTEN", Some(control.address())), ("LARDER_ADMIN_LISTEN", admin)];
        let servers = servers.into_iter().filter_map(|(name, address)| Some((name.to_owned(), address?.to_string())));
        let more = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let settings = Settings {
            name: name.to_owned(),
            program,
            redis_url: redis_url.to_owned(),
            environment: servers.chain(more).collect(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            output,
        };
        Ok(Self { process: settings.spawn()?, settings, control, admin })
    }

    /// `http://127.0.0.1:<port>` of its control server.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control.address())
    }

    /// `http://127.0.0.1:<port>` of its admin server, where a system started it with one.
    #[must_use]
    pub fn admin_url(&self) -> Option<String> {
        self.admin.map(|address| format!("http://{address}"))
    }

    /// Starts it again with the same settings, after a kill where it still runs.
    ///
    /// # Errors
    /// As [`WorkerProcess::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = self.settings.spawn()?;
        Ok(())
    }
}

impl Settings {
    fn spawn(&self) -> Result<Process> {
        let own = [("LARDER_REDIS", OsStr::new(&self.redis_url))];
        let more = self.environment.iter().map(|(name, value)| (name.as_str(), OsStr::new(value)));
        Process::start(Start {
            name: &self.name,
            program: &self.program.path,
            arguments: self
                .program
                .first
                .iter()
                .copied()
                .chain(self.arguments.iter().map(String::as_str))
                .map(OsStr::new)
                .collect(),
            environment: own.into_iter().chain(more).collect(),
            stdin: Stdio::null(),
            output: self.output.clone(),
            on_our_death: Signal::SIGKILL,
        })
    }
}

impl Deref for WorkerProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for WorkerProcess {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
