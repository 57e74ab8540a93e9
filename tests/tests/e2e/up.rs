//! `larder-local up`: one command, everything, and nothing left behind.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use larder_system::{Port, Topology, built};
use larder_tests::{eventually, http};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Tested;

/// `larder-local up` with its output in files.
pub struct Up {
    child: Child,
    port: Port,
    data: TempDir,
}

/// The program, for this port and folder; on a cluster where `LARDER_CLUSTER` says so. It needs nothing of the repository.
pub fn command(port: u16, data: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(built("larder-local")?);
    command.arg("up").arg("--listen").arg(format!("127.0.0.1:{port}")).arg("--data").arg(data);
    command.current_dir(data).kill_on_drop(true);
    Ok(command)
}

impl Up {
    pub async fn start(port: Port, data: TempDir) -> anyhow::Result<Self> {
        let command = command(port.number(), data.path())?;
        Self::spawn(command, port, data).await
    }

    /// Starts such a command, and waits until it is ready.
    pub async fn spawn(mut command: Command, port: Port, data: TempDir) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        // It prints three commands to try once it is ready.
        let mut curls = 0;
        while curls < 3 {
            let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await??;
            let line = line.ok_or_else(|| anyhow::anyhow!("it ended before it was ready"))?;
            curls += usize::from(line.contains("curl "));
        }
        Ok(Self { child, port, data })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/items/a", self.port.number())
    }

    /// The processes that `up` started, theirs included.
    pub fn descendants(&self) -> anyhow::Result<Vec<i32>> {
        let (mut found, mut parents) = (Vec::new(), vec![i32::try_from(self.child.id().expect("it runs"))?]);
        while let Some(parent) = parents.pop() {
            let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
            for child in children.split_whitespace() {
                found.push(child.parse()?);
                parents.push(child.parse()?);
            }
        }
        Ok(found)
    }

    fn signal(&self, signal: Signal) -> Tested {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id().expect("it runs"))?), signal)?)
    }
}

fn running(pid: i32) -> bool {
    // A zombie has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn assert_gone(pids: &[i32]) -> Tested {
    eventually("no process is left", async || {
        let left: Vec<_> = pids.iter().filter(|pid| running(**pid)).collect();
        anyhow::ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn it_stops_in_order_and_finds_its_data_again() -> Tested {
    let mut up = Up::start(Port::reserve()?, TempDir::new()?).await?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let client = http();
        client.put(up.url()).body("kept").send().await?.error_for_status()?;
        let pids = up.descendants()?;
        assert!(pids.len() >= 3, "Redis, the worker and the component: {pids:?}");
        up.signal(signal)?;
        let status = tokio::time::timeout(Duration::from_secs(20), up.child.wait()).await??;
        assert!(status.success(), "{signal}: {status}");
        assert_gone(&pids).await?;
        let Up { port, data, .. } = up;
        up = Up::start(port, data).await?;
        eventually("the value is there", async || {
            let value = client.get(up.url()).send().await?.error_for_status()?.text().await?;
            assert_eq!(value, "kept");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn killed_with_9_it_leaves_no_orphans() -> Tested {
    let up = Up::start(Port::reserve()?, TempDir::new()?).await?;
    let pids = up.descendants()?;
    up.signal(Signal::SIGKILL)?;
    assert_gone(&pids).await
}

#[tokio::test]
async fn a_part_that_dies_ends_it_with_a_message() -> Tested {
    // Redis is the one that is not ours; it may be a Valkey. In a cluster others stand in for it.
    let redis = ("Redis", (|command: &str| !command.contains("larder-")) as fn(&str) -> bool);
    let redis = (Topology::from_env()? == Topology::Alone).then_some(redis);
    let worker = ("worker", (|command: &str| command.contains("larder-local\0worker")) as fn(&str) -> bool);
    for (role, is_it) in redis.into_iter().chain([worker]) {
        let (port, data) = (Port::reserve()?, TempDir::new()?);
        let mut child = command(port.number(), data.path())?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = child.id().expect("it runs");
        let url = format!("http://127.0.0.1:{}/health/ready", port.number());
        eventually("it is ready", async || Ok(http().get(&url).send().await?.error_for_status()?)).await?;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let pids: Vec<i32> = children.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let named = |pid: &&i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|c| is_it(&c));
        let part = pids.iter().find(named).ok_or_else(|| anyhow::anyhow!("no {role} among {pids:?}"))?;
        kill(Pid::from_raw(*part), Signal::SIGKILL)?;

        let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await??;
        assert!(!status.success(), "{role}: {status}");
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(role), "{said}");
        assert_gone(&pids).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_start_says_why_and_starts_nothing() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    let taken = TcpListener::bind(("127.0.0.1", port.number()))?;
    let output = command(port.number(), data.path())?.output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(&port.number().to_string()), "{said}");
    assert!(!data.path().join("redis").exists() && !data.path().join("cluster").exists(), "Redis was started first");
    drop(taken);

    let output = command(port.number(), data.path())?.env("PATH", "/nowhere").output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("redis-server"), "{said}");

    let up = Up::start(port, data).await?;
    let other = Port::reserve()?;
    let output = command(other.number(), up.data.path())?.output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("in use"), "{said}");
    Ok(())
}
