//! Writers faster than commits are allowed to be: refused in time, and nothing accepted is lost.
//!
//! All writes go to one partition, whose queue is small. First the worker runs freely; then it is
//! stopped and continued in turn (SIGSTOP), at work a fortieth of the time, and applies far less
//! than is sent. Meanwhile the queue's length is sampled and reads of the same partition are
//! timed. Times are printed and not asserted: the machine is not ours alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use larder_protocol::{ItemId, Partition, Revision};
use larder_system::System;
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

const MAX_PENDING: u64 = 40;
const WRITERS: usize = 24;
const READERS: usize = 2;
/// How long each phase is.
const PHASE: Duration = Duration::from_millis(1_500);

/// What a writer, the only one of its item, saw.
struct Written {
    id: ItemId,
    accepted: u64,
    refused: u64,
    /// The last accepted one.
    last: Option<(Revision, u64)>,
}

/// Writes rising numbers until `stop`, refused or not, some hundred in a second: more than is
/// applied, and less than the machine can answer, so that reads show the queue's effect and not
/// that of busy processors.
async fn write(larder: Arc<Larder>, id: ItemId, stop: Arc<AtomicBool>) -> Result<Written> {
    let mut written = Written { id, accepted: 0, refused: 0, last: None };
    for number in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let response = larder.item(Method::PUT, &written.id).body(number.to_string()).send().await?;
        match response.status() {
            StatusCode::ACCEPTED => {
                let revision = response.headers().get("larder-revision").context("no revision")?;
                written.last = Some((revision.to_str()?.parse()?, number));
                written.accepted += 1;
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                ensure!(response.headers().get("retry-after").is_some_and(|after| after == "1"), "no Retry-After");
                let problem: Value = response.json().await?;
                ensure!(problem["type"] == "urn:larder:problem:overloaded", "{problem}");
                written.refused += 1;
            }
            status => anyhow::bail!("{status} {}", response.text().await?),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(written)
}

/// Times reads until `stop`.
async fn read(larder: Arc<Larder>, id: ItemId, stop: Arc<AtomicBool>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let value = larder.get(&id).await?.error_for_status()?.text().await?;
        times.push(start.elapsed());
        ensure!(value == "read me", "{value}");
    }
    Ok(times)
}

fn start_readers(larder: &Arc<Larder>, id: &ItemId, stop: &Arc<AtomicBool>) -> JoinSet<Result<Vec<Duration>>> {
    (0..READERS).map(|_| read(larder.clone(), id.clone(), stop.clone())).collect()
}

/// The median, and what one read in a hundred exceeds.
async fn latencies(readers: JoinSet<Result<Vec<Duration>>>) -> Result<String> {
    let times: Result<Vec<_>> = readers.join_all().await.into_iter().collect();
    let mut times = times?.concat();
    times.sort_unstable();
    ensure!(!times.is_empty(), "nothing was read");
    let rank = |percent: usize| times[(times.len() - 1) * percent / 100];
    Ok(format!("{} reads, p50 {:?}, p99 {:?}", times.len(), rank(50), rank(99)))
}

/// The longest queue of any partition until `stop`.
async fn watch(direct: Direct, stop: Arc<AtomicBool>) -> Result<(u64, u64)> {
    let (mut longest, mut samples) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        longest = longest.max(direct.pending().await?.into_iter().max().unwrap_or_default());
        samples += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok((longest, samples))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_store_refuses_serves_reads_loses_nothing_and_recovers() -> Result<()> {
    let builder = System::builder()
        .variable("max_pending", &MAX_PENDING.to_string())
        // Slowness is no news here.
        .variable("redis_timeout_ms", "20000");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let (larder, direct) = (Arc::new(larder), Direct::open(&system.redis.url()).await?);
    let read_me = larder.id("read me");
    larder.put(&read_me, "read me").await?;
    let same = |id: &ItemId| Partition::of(id) == Partition::of(&read_me);
    let ids: Vec<_> = (0..).map(|n| larder.id(&n.to_string())).filter(same).take(WRITERS).collect();

    // Without writers, with them, and with a worker that does not keep up.
    let stop = Arc::<AtomicBool>::default();
    let readers = start_readers(&larder, &read_me, &stop);
    tokio::time::sleep(PHASE).await;
    stop.store(true, Ordering::Relaxed);
    println!("calm:       {}", latencies(readers).await?);

    let (free, writing) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let readers = start_readers(&larder, &read_me, &free);
    let writers: JoinSet<_> = ids.into_iter().map(|id| write(larder.clone(), id, writing.clone())).collect();
    tokio::time::sleep(PHASE).await;
    free.store(true, Ordering::Relaxed);
    println!("busy:       {}", latencies(readers).await?);

    let readers = start_readers(&larder, &read_me, &writing);
    let watcher = tokio::spawn(watch(direct.clone(), writing.clone()));
    let start = Instant::now();
    while start.elapsed() < PHASE * 2 {
        system.workers[0].pause()?;
        tokio::time::sleep(Duration::from_millis(195)).await;
        system.workers[0].resume()?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writing.store(true, Ordering::Relaxed);
    let end = Instant::now();
    println!("overloaded: {}", latencies(readers).await?);
    let written: Result<Vec<_>> = writers.join_all().await.into_iter().collect();
    let (written, (longest, samples)) = (written?, watcher.await??);

    let sum = |count: fn(&Written) -> u64| written.iter().map(count).sum::<u64>();
    let (accepted, refused) = (sum(|writer| writer.accepted), sum(|writer| writer.refused));
    println!("{accepted} accepted, {refused} refused; longest of {samples} queue samples: {longest} of {MAX_PENDING}");
    assert!(longest <= MAX_PENDING, "{longest} are pending");
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused");

    eventually("the queue is empty", async || {
        let pending = direct.pending().await?;
        ensure!(pending.iter().sum::<u64>() == 0, "{pending:?}");
        Ok(())
    })
    .await?;
    println!("the queue is empty {:?} after the load", end.elapsed());
    for Written { id, last, .. } in &written {
        // A writer may have found its partition full every time.
        let Some((revision, number)) = last else { continue };
        let item = larder.get(id).await?.error_for_status()?;
        assert_eq!(item.headers()["etag"], revision.etag().as_str());
        assert_eq!(item.text().await?, number.to_string());
    }
    let ready = larder.request(Method::GET, "/health/ready").send().await?;
    assert_eq!(ready.status(), StatusCode::OK, "{}", ready.text().await?);
    for Written { id, .. } in &written {
        larder.put(id, "accepted again").await?;
    }
    Ok(())
}
