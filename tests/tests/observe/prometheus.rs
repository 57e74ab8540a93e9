//! `make up OBSERVE=1`: Prometheus beside the rest, which asks the workers and knows our alerts.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use larder_system::{Port, Runtime, built};
use larder_tests::{eventually, http};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::Tested;

fn up(port: &Port, data: &TempDir, observe: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(built("larder-local")?);
    command.args(["up", "--listen", &port.address().to_string(), "--workers", "2", "--observe", observe]);
    command.arg("--data").arg(data.path()).current_dir(data.path()).kill_on_drop(true);
    Ok(command)
}

async fn ask(url: &str) -> anyhow::Result<Value> {
    Ok(http().get(url).send().await?.error_for_status()?.json().await?)
}

#[tokio::test]
async fn it_shows_both_workers_and_the_alerts_and_ends_with_the_rest() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    let mut command = up(&port, &data, "1")?;
    command.env("SPIN_VARIABLE_MAX_PENDING", "77").env_remove("LARDER_CLUSTER");
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("it is piped")?).lines();
    let line = loop {
        let line =
            tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await??.context("it ended early")?;
        if line.starts_with("Prometheus") {
            break line;
        }
    };
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).context("no address")?;
    let url = url.trim_end_matches(';');

    // Spin has nothing that Prometheus could ask.
    let asked = 2 + i32::from(Runtime::from_env()? == Runtime::Builtin);
    eventually("both workers and the component are asked", async || {
        let answer = ask(&format!("{url}/api/v1/query?query=sum(up)%2Bmax(larder_max_pending)")).await?;
        let value = &answer["data"]["result"][0]["value"][1];
        ensure!(value.as_str().and_then(|text| text.parse().ok()) == Some(77 + asked), "{answer}");
        Ok(())
    })
    .await?;
    let rules = ask(&format!("{url}/api/v1/rules")).await?;
    let rules = rules["data"]["groups"][0]["rules"].as_array().context("no rules")?;
    let names: Vec<_> = rules.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert!(names.contains(&"LarderWritesNotApplied"), "{names:?}");
    eventually("nothing is wrong", async || {
        let alerts = ask(&format!("{url}/api/v1/alerts")).await?;
        ensure!(alerts["data"]["alerts"].as_array().is_some_and(Vec::is_empty), "{alerts}");
        Ok(())
    })
    .await?;

    kill(Pid::from_raw(i32::try_from(child.id().context("it runs")?)?), Signal::SIGINT)?;
    let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await??;
    assert!(status.success(), "{status}");
    assert!(http().get(url).send().await.is_err(), "Prometheus is still there");
    assert!(data.path().join("prometheus/data").is_dir());
    Ok(())
}

#[tokio::test]
async fn where_it_cannot_be_had_it_says_so_before_anything_starts() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    for (observe, path, says) in
        [("1", "/nowhere", "sudo apt-get install prometheus"), ("yes", "/usr/bin", "OBSERVE=1")]
    {
        let output = up(&port, &data, observe)?.env("PATH", path).output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{said}");
        let mut left = std::fs::read_dir(data.path())?.filter_map(|entry| Some(entry.ok()?.file_name()));
        // For Spin the application is unpacked before.
        assert!(left.all(|name| name == "application"), "something was started");
    }
    Ok(())
}
