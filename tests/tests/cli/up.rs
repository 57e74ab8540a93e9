//! What `make up` says of the command line works as it stands there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use larder_system::{Port, built};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::Tested;

#[tokio::test]
async fn the_lines_that_up_prints_can_be_pasted() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut up = tokio::process::Command::new(built("larder-local")?);
    up.arg("up").arg("--listen").arg(port.address().to_string()).arg("--data").arg(data.path());
    let mut up = up.current_dir(&root).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut output = BufReader::new(up.stdout.take().expect("it is piped")).lines();
    let mut lines = Vec::new();
    while lines.len() < 3 {
        let line = tokio::time::timeout(Duration::from_secs(60), output.next_line()).await??;
        let line = line.ok_or_else(|| anyhow::anyhow!("it ended before it was ready"))?;
        lines.extend(line.strip_prefix("  ").filter(|line| line.contains("/larder ")).map(str::to_owned));
    }
    for (line, says) in lines.iter().zip(["hello created", "hello", "No dead letters."]) {
        let ran = Command::new("sh").arg("-c").arg(line).current_dir(&root).output()?;
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success() && out.contains(says), "{line}: {ran:?}");
    }
    kill(Pid::from_raw(i32::try_from(up.id().expect("it runs"))?), Signal::SIGTERM)?;
    tokio::time::timeout(Duration::from_secs(20), up.wait()).await??;
    Ok(())
}
