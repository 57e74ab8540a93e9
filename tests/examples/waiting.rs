//! What those who wait cost the others: bytes in Redis for each write that is waited for, and how
//! reads go on while 20,000 clients wait and no worker commits. `make bench` runs it; the clients are
//! `wrk`'s.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use larder_protocol::limits::COMMIT_MAX_BYTES;
use larder_protocol::{Content, ItemId, Operation, Partition, StreamId, Write, call, keys};
use larder_system::{ApiProcess, ApiSettings, Output, Port, Runtime, System, Wasi, workspace_root};
use larder_tests::{Direct, Larder, RedisAlone, eventually, http};
use redis::Value;
use reqwest::Method;

/// Writes whose outcomes are weighed.
const WRITES: usize = 100_000;
const CLIENTS: u64 = 20_000;
/// A component has room for some 330 instances of 16 requests each, and a process for as many files as
/// it may open.
const COMPONENTS: u64 = 4;
const READS: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    weigh().await?;
    many_clients().await
}

/// Writes the same items without and with somebody who waits.
async fn weigh() -> anyhow::Result<()> {
    let redis = RedisAlone::start().await?;
    redis.command::<String>(&["CONFIG", "SET", "appendonly", "no"]).await?;
    write_and_commit(&redis, None).await?;
    let before = redis.info("memory", "used_memory").await?;
    let writes = write_and_commit(&redis, Some(Duration::from_secs(60))).await?;
    let unread = redis.info("memory", "used_memory").await? - before;
    for (p, ids) in &writes {
        for some in ids.chunks(100) {
            redis.run::<Vec<String>>(&call::take_outcomes(*p, some.iter().copied())).await?;
        }
    }
    let read = redis.info("memory", "used_memory").await?.saturating_sub(before);
    let each = |bytes: u64| bytes / WRITES as u64;
    println!("{WRITES} writes that somebody waits for, bytes in Redis for each");
    println!("  until the outcome is read {:>6}", each(unread));
    println!("  after that                {:>6}\n", each(read));
    Ok(())
}

async fn write_and_commit(
    redis: &RedisAlone,
    wait: Option<Duration>,
) -> anyhow::Result<Vec<(Partition, Vec<StreamId>)>> {
    let put = async |n: usize| {
        let content = Content::new(None, b"x".to_vec())?;
        let write = Write { wait, ..Operation::Put { content, ttl: None }.into() };
        let reply = redis.accept(&ItemId::new(n.to_string())?, &write, WRITES as u64).await?;
        ensure!(matches!(&reply[0], Value::BulkString(word) if word == b"accepted"), "{reply:?}");
        anyhow::Ok(())
    };
    stream::iter((0..WRITES).map(put)).buffer_unordered(100).try_collect::<()>().await?;
    let mut all = vec![];
    for p in Partition::all() {
        let entries: Vec<(String, Vec<String>)> = redis.command(&["XRANGE", &keys::writes(p), "-", "+"]).await?;
        all.push((p, entries.into_iter().map(|(id, _)| Ok(id.parse()?)).collect::<anyhow::Result<_>>()?));
        while redis.commit(p, 128, COMMIT_MAX_BYTES).await?.left > 0 {}
    }
    Ok(all)
}

async fn many_clients() -> anyhow::Result<()> {
    let builder = System::builder().variable("max_wait_seconds", "60");
    let Some(larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut larder = larder.unwitnessed()?;
    let id = larder.id("read");
    larder.put(&id, "x".repeat(100)).await?;
    let mut system = larder.take_system();
    let redis = Direct::open(&system.redis.url()).await?;
    println!("{:<34}{:>9}{:>9}{:>13}{:>10}", "reads", "p50 ms", "p99 ms", "connections", "blocked");
    report("nobody waits", &larder, &id, &redis).await?;

    system.workers[0].pause()?;
    let mut components = vec![];
    for n in 1..COMPONENTS {
        let port = Port::reserve()?;
        let settings = ApiSettings::new(
            Runtime::from_env()?,
            Wasi::from_env()?,
            port.address(),
            &system.redis.url(),
            Output::File(system.data().path().join(format!("component-{n}.log"))),
        );
        components.push((ApiProcess::start(settings.variable("max_wait_seconds", "60"))?, port));
    }
    let urls: Vec<_> = components.iter().map(|(api, _)| api.url()).chain([larder.base().to_owned()]).collect();
    for url in &urls {
        eventually("the component answers", async || {
            Ok(http().get(format!("{url}/health/live")).send().await?.error_for_status()?)
        })
        .await?;
    }
    let loads: Vec<_> = urls.iter().enumerate().map(|(n, url)| Load::start(n, url)).collect::<anyhow::Result<_>>()?;
    let start = Instant::now();
    eventually("all clients wait", async || {
        let pending: u64 = redis.pending().await?.iter().sum();
        ensure!(pending == CLIENTS, "{pending} of {CLIENTS}");
        Ok(())
    })
    .await?;
    println!("  ({CLIENTS} clients wait after {:.1} s)", start.elapsed().as_secs_f64());
    report("they wait, and the worker stands", &larder, &id, &redis).await?;
    report("the same, a little later", &larder, &id, &redis).await?;
    drop(loads);
    system.workers[0].resume()?;
    Ok(())
}

/// Clients that wait; they are gone when it is dropped.
struct Load(Child);

impl Load {
    fn start(n: usize, url: &str) -> anyhow::Result<Self> {
        let connections = (CLIENTS / COMPONENTS).to_string();
        let script = workspace_root().join(Path::new("bench/waiting.lua"));
        Command::new("wrk")
            .args(["-t1", "-c", &connections, "-d60s", "--timeout", "60s", "-s"])
            .arg(script)
            .arg(url)
            .env("BENCH_NAME", n.to_string())
            .stdout(Stdio::null())
            .spawn()
            .map(Self)
            .context("cannot start wrk: apt-get install wrk")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads one after the other, and tells how long that took and how many connections Redis has.
async fn report(name: &str, larder: &Larder, id: &ItemId, redis: &Direct) -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let start = Instant::now();
        larder.item(Method::GET, id).send().await?.error_for_status()?.bytes().await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1_000.0;
    let (connected, blocked) =
        (redis.info("clients", "connected_clients").await?, redis.info("clients", "blocked_clients").await?);
    println!("{name:<34}{:>9.2}{:>9.2}{connected:>13}{blocked:>10}", at(50), at(99));
    Ok(())
}
