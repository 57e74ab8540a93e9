//! A child process that does not outlive us, whatever happens.
//!
//! It is the leader of a process group of its own: a Ctrl-C in the terminal does not reach it, so
//! that we decide the order in which things stop, and a signal to the group reaches its children
//! too (`spin up` has one). Three things end it: an explicit stop, the drop of the value, and the
//! death of the thread that started it, even by `kill -9`; the kernel sees to the last one
//! (`setpriv --pdeathsig`, where util-linux is installed). So start it from a thread that stays.
//! The kernel does so for our own children only: one that has children has to end them itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::artifacts::on_path;
use super::log::Output;

static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| on_path("setpriv"));

/// A killed process is gone within milliseconds, except where the kernel is stuck in its I/O.
const DROP_PATIENCE: Duration = Duration::from_secs(2);

/// A running, or once running, child process.
#[derive(Debug)]
pub struct Process {
    name: String,
    output: Output,
    pid: u32,
    child: Child,
    exited: Option<ExitStatus>,
    /// Whether we told it to end.
    told: bool,
}

/// How a process that was told to stop did so.
#[derive(Clone, Copy, Debug)]
pub struct Exited {
    /// What it returned, or the signal that ended it.
    pub status: ExitStatus,
    /// How long it took from the signal to the end.
    pub took: Duration,
}

/// What to start.
pub struct Start<'a> {
    /// What the process is called in messages and logs.
    pub name: &'a str,
    pub program: &'a Path,
    pub arguments: Vec<&'a OsStr>,
    pub environment: Vec<(&'a str, &'a OsStr)>,
    pub stdin: Stdio,
    pub output: Output,
    /// What the kernel sends it when we die.
    pub on_our_death: Signal,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// Where the program cannot be started, or its log file not be written.
    pub fn start(start: Start<'_>) -> Result<Self> {
        let mut command = match SETPRIV.as_deref() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", start.on_our_death.as_str(), "--"]).arg(start.program);
                command
            }
            None => Command::new(start.program),
        };
        command.args(start.arguments).envs(start.environment).process_group(0).kill_on_drop(true);
        command.stdin(start.stdin).stdout(start.output.stdio()?).stderr(start.output.stdio()?);
        let child = command.spawn().with_context(|| format!("cannot start {}", start.program.display()))?;
        let pid = child.id().context("a process that was just started has an id")?;
        Ok(Self { name: start.name.to_owned(), output: start.output, pid, child, exited: None, told: false })
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output goes.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether it ends, or has ended, because we told it to.
    #[must_use]
    pub fn was_told_to_end(&self) -> bool {
        self.told
    }

    /// The exit status where it has ended by now.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn try_exited(&mut self) -> Result<Option<ExitStatus>> {
        if self.exited.is_none() {
            self.exited = self.child.try_wait().with_context(|| format!("cannot watch the {}", self.name))?;
        }
        Ok(self.exited)
    }

    /// Waits until it ends. Cancel safe.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.exited {
            return Ok(status);
        }
        let status = self.child.wait().await.with_context(|| format!("cannot wait for the {}", self.name))?;
        self.exited = Some(status);
        // Its own children, if any, have nobody left who looks after them. No group: no children.
        let _ = killpg(self.group(), Signal::SIGKILL);
        Ok(status)
    }

    /// Ends it at once (SIGKILL) and waits until it is gone. Does nothing where it has ended.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub async fn kill(&mut self) -> Result<()> {
        self.told = true;
        self.signal(Signal::SIGKILL)?;
        self.wait().await?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and ends it (SIGKILL) where it has not after `patience`.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub async fn terminate(&mut self, patience: Duration) -> Result<Exited> {
        let start = Instant::now();
        self.told = true;
        self.signal(Signal::SIGTERM)?;
        // A paused process would not see it.
        self.signal(Signal::SIGCONT)?;
        if let Ok(status) = tokio::time::timeout(patience, self.wait()).await {
            return Ok(Exited { status: status?, took: start.elapsed() });
        }
        tracing::warn!("the {} did not stop within {patience:?} and is killed", self.name);
        self.kill().await?;
        Ok(Exited { status: self.wait().await?, took: start.elapsed() })
    }

    /// Freezes it (SIGSTOP): it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub fn pause(&mut self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on after [`Process::pause`].
    ///
    /// # Errors
    /// Where the system does not let us.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.pid.cast_signed())
    }

    /// Signals the whole group, unless the process has ended and its id may be somebody else's.
    fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.try_exited()?.is_some() {
            return Ok(());
        }
        killpg(self.group(), signal).with_context(|| format!("cannot send {signal} to the {}", self.name))
    }
}

impl Drop for Process {
    /// Kills it, and waits until it is gone, so that its port is free and its files are still.
    fn drop(&mut self) {
        if let Err(error) = self.signal(Signal::SIGKILL) {
            tracing::warn!("{error:#}");
        }
        let start = Instant::now();
        while matches!(self.try_exited(), Ok(None)) && start.elapsed() < DROP_PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
