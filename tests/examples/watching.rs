//! What those who follow the changes cost: bytes in Redis for each change that is kept, commands and time of
//! Redis while watchers wait, and how soon all of them hear of a write. `WATCHERS=1000` for more of them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::try_join_all;
use larder_protocol::{Partition, keys};
use larder_system::System;
use larder_tests::{Direct, Larder, http};
use reqwest::{Method, Response};
use serde_json::json;

const CHANGES: usize = 20_000;
const REST: Duration = Duration::from_secs(5);
const WRITES: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let watchers = std::env::var("WATCHERS").ok().map_or(Ok(200), |text| text.parse())?;
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let redis = Direct::open(&larder.system().redis.url()).await?;
    weigh(&larder, &redis).await?;

    println!(
        "{:<12}{:>12}{:>16}{:>16}{:>14}{:>12}",
        "watchers", "connections", "commands/s", "% of Redis", "p50 ms", "max ms"
    );
    let mut streams = Vec::new();
    for count in [0, 1, 16, watchers] {
        while streams.len() < count {
            streams.push(open(&larder).await?);
        }
        let (commands, seconds) = idle(&redis).await?;
        let connections = redis.info("clients", "connected_clients").await?;
        let mut times = Vec::new();
        for n in 0..WRITES {
            let id = larder.id(&format!("item-{n}"));
            let start = Instant::now();
            let revision = larder.put(&id, "x").await?.to_string();
            try_join_all(streams.iter_mut().map(|stream| until(stream, &revision))).await?;
            times.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_unstable_by(f64::total_cmp);
        let (p50, max) = (times[WRITES / 2], times[WRITES - 1]);
        println!("{count:<12}{connections:>12}{commands:>16.0}{:>16.2}{p50:>14.0}{max:>12.0}", seconds * 100.0);
    }
    Ok(())
}

/// How much a change takes, with ids of 20 bytes.
async fn weigh(larder: &Larder, redis: &Direct) -> anyhow::Result<()> {
    for start in (0..CHANGES).step_by(1_000) {
        let line = |n| format!("{}\n", json!({"op": "put", "id": format!("weight/{n:013}"), "value": "x"}));
        let body: String = (start..start + 1_000).map(line).collect();
        let request = larder.request(Method::POST, "/items").header("content-type", "application/x-ndjson");
        request.header("prefer", "wait=10").body(body).send().await?.error_for_status()?;
    }
    let (mut bytes, mut changes) = (0, 0);
    for p in Partition::all() {
        let key = keys::changes(p);
        bytes += redis.command::<u64>(&["MEMORY", "USAGE", &key, "SAMPLES", "0"]).await?;
        changes += redis.command::<u64>(&["XLEN", &key]).await?;
    }
    println!("{} bytes in Redis for each of {changes} changes\n", bytes / changes);
    Ok(())
}

async fn open(larder: &Larder) -> anyhow::Result<Response> {
    // Each has a connection of its own.
    let request = http().get(format!("{}/changes", larder.base()));
    Ok(request.header("accept", "text/event-stream").send().await?.error_for_status()?)
}

async fn until(stream: &mut Response, text: &str) -> anyhow::Result<()> {
    let mut so_far = String::new();
    while !so_far.contains(text) {
        so_far += std::str::from_utf8(&stream.chunk().await?.context("the end")?)?;
    }
    Ok(())
}

/// Commands a second, and the share of its time that Redis works, while nothing happens.
async fn idle(redis: &Direct) -> anyhow::Result<(f64, f64)> {
    let cpu = async || -> anyhow::Result<f64> {
        let info: String = redis.command(&["INFO", "cpu"]).await?;
        let of = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        Ok(of("used_cpu_user:").context("user")? + of("used_cpu_sys:").context("sys")?)
    };
    let (start, commands, before) =
        (Instant::now(), redis.info("stats", "total_commands_processed").await?, cpu().await?);
    tokio::time::sleep(REST).await;
    let commands = redis.info("stats", "total_commands_processed").await? - commands;
    let seconds = start.elapsed().as_secs_f64();
    Ok((commands as f64 / seconds, (cpu().await? - before) / seconds))
}
