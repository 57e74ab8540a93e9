//! `larder-local up --cluster`: what is different where Redis is a cluster.

use std::fs;

use anyhow::{Context as _, ensure};
use larder_system::Port;
use larder_tests::{eventually, http};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::Tested;
use crate::up::{Up, command};

/// The running nodes, as process ids and command lines in order of the latter.
fn nodes(up: &Up) -> anyhow::Result<Vec<(String, i32)>> {
    let lines = up.descendants()?.into_iter().filter_map(|pid| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        // Redis fills what is left of its arguments with blanks.
        let line = line.trim_end_matches(['\0', ' ']).to_owned();
        line.contains("[cluster]").then_some((line, pid))
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    Ok(lines)
}

#[tokio::test]
async fn a_node_that_dies_is_replaced_and_comes_back() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    let mut three = command(port.number(), data.path())?;
    three.args(["--cluster", "3"]);
    let up = Up::spawn(three, port, data).await?;
    let client = http();
    client.put(up.url()).body("kept").send().await?.error_for_status()?;
    let before = nodes(&up)?;
    ensure!(before.len() == 6, "{before:?}");
    // One of them is the master of the item.
    for (node, pid) in before {
        kill(Pid::from_raw(pid), Signal::SIGKILL)?;
        eventually("it runs again", async || {
            let again = nodes(&up)?.into_iter().find(|(line, again)| *line == node && *again != pid);
            again.with_context(|| format!("{node} does not run"))
        })
        .await?;
        eventually("the value is there", async || {
            ensure!(client.get(up.url()).send().await?.error_for_status()?.text().await? == "kept");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_cluster_is_said() -> Tested {
    let (port, data) = (Port::reserve()?, TempDir::new()?);
    let said = async |masters: &str| -> anyhow::Result<String> {
        let mut command = command(port.number(), data.path())?;
        let output = command.args(["--cluster", masters]).output().await?;
        ensure!(!output.status.success(), "it started");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (masters, says) in [("1", "election"), ("2", "election"), ("many", "not a number")] {
        let said = said(masters).await?;
        assert!(said.contains(says), "{masters}: {said}");
    }
    fs::create_dir(data.path().join("redis"))?;
    let alone = said("3").await?;
    assert!(alone.contains("a store on one Redis"), "{alone}");
    fs::remove_dir(data.path().join("redis"))?;
    for node in 0..6 {
        fs::create_dir_all(data.path().join(format!("cluster/{node}")))?;
    }
    fs::write(data.path().join("cluster/formed"), "")?;
    for masters in ["", "4"] {
        let cluster = said(masters).await?;
        assert!(cluster.contains("holds a cluster of 3 masters"), "{cluster}");
    }
    Ok(())
}
