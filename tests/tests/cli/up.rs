//! What `larder-local up` prints works as it stands there, with access tokens too; and one file is enough for it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use larder_system::{Port, built, workspace_root};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::Tested;
use crate::terminal::OnTerminal;

/// What the lines that are printed say, in their order.
const SAY: [(&str, &str); 8] = [
    ("curl -i -X PUT", "HTTP/1.1 202 Accepted"),
    ("curl -i http", "Hello"),
    ("curl -i -X DELETE", "HTTP/1.1 202 Accepted"),
    ("put hello Hello", "hello created"),
    ("ls -l", "hello"),
    ("status", "pending"),
    ("top", "ready"),
    ("dead list", "No dead letters."),
];

#[tokio::test]
async fn the_lines_that_up_prints_can_be_pasted() -> Tested {
    paste(&[], &[], None).await
}

#[tokio::test]
async fn they_work_with_an_access_token() -> Tested {
    let made = Command::new(built("larder-worker")?)
        .args(["token", "new", "--name", "me", "--scope", "read", "--scope", "write", "--scope", "list", "--json"])
        .args(["--scope", "admin"])
        .output()?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let (token, entries) = (made["token"].as_str().context("no token")?, Value::from(vec![made["entry"].clone()]));
    // Of the application in this repository, for once.
    let from = ["--from".into(), workspace_root().into_os_string()];
    paste(&from, &[("SPIN_VARIABLE_API_TOKENS", entries.to_string())], Some(token)).await
}

/// Starts a copy of `larder-local` that has nothing beside it, and runs what it prints in one shell after the other.
async fn paste(arguments: &[OsString], variables: &[(&str, String)], token: Option<&str>) -> Tested {
    let (port, folder) = (Port::reserve()?, TempDir::new()?);
    let program = folder.path().join("larder-local");
    // By a process of its own: what a child of ours, just forked, still has open for writing cannot be run (ETXTBSY).
    ensure!(Command::new("cp").arg(built("larder-local")?).arg(&program).status()?.success());
    let mut up = tokio::process::Command::new(&program);
    up.arg("up")
        .arg("--listen")
        .arg(port.address().to_string())
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let mut up = up.current_dir(folder.path()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut output = BufReader::new(up.stdout.take().expect("it is piped")).lines();
    let (mut exports, mut lines, mut is_ready) = (String::new(), Vec::new(), false);
    while lines.len() < SAY.len() {
        let line = tokio::time::timeout(Duration::from_secs(60), output.next_line()).await??;
        let line = line.context("it ended before it was ready")?;
        is_ready |= line.starts_with("Larder is ready");
        // Before that Spin lists its routes.
        match line.strip_prefix("  ").filter(|_| is_ready) {
            Some(export) if export.starts_with("export LARDER_TOKEN=") => {
                ensure!(token.is_some(), "{line}");
                exports += &format!("export LARDER_TOKEN={}\n", token.unwrap_or_default());
            }
            Some(export) if export.starts_with("export ") => exports += &format!("{export}\n"),
            Some(line) => lines.push(line.to_owned()),
            None => {}
        }
    }
    for (line, (what, says)) in lines.iter().zip(SAY) {
        ensure!(line.contains(what), "{line} is not {what}");
        shell(&format!("{exports}{line}"), says, folder.path()).await.with_context(|| line.clone())?;
    }
    kill(Pid::from_raw(i32::try_from(up.id().expect("it runs"))?), Signal::SIGTERM)?;
    tokio::time::timeout(Duration::from_secs(20), up.wait()).await??;
    Ok(())
}

async fn shell(script: &str, says: &str, folder: &Path) -> Tested {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(folder).env_remove("LARDER_TOKEN").env_remove("LARDER_URL");
    if script.ends_with(" top") {
        let mut top = OnTerminal::spawn(command)?;
        top.sees(says).await?;
        top.types("q")?;
        ensure!(top.ends().await? == Some(0), "{}", top.seen());
        return Ok(());
    }
    let ran = command.output()?;
    let out = String::from_utf8_lossy(&ran.stdout);
    ensure!(ran.status.success() && out.contains(says), "{ran:?}");
    Ok(())
}
