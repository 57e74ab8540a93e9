//! How long a cluster's partitions refuse writes after `kill -9` of their master, and what the others notice of it.
//! `make bench` runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use larder_protocol::{ItemId, Partition};
use larder_system::{System, Topology};
use larder_tests::history::failover::replaced;
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};

/// How many masters are killed.
const KILLS: usize = 10;

/// What Redis takes until it takes a node for dead.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let builder = System::builder().topology(Topology::Cluster(3)).node_timeout(NODE_TIMEOUT);
    let Some(larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut larder = larder.unwitnessed()?;
    let mut system = larder.take_system();
    let larder = Arc::new(larder);
    let cluster = system.redis.cluster_mut().context("it was asked for")?;

    let (mut elected, mut accepted, mut applied) = (vec![], vec![], vec![]);
    let (mut before, mut meanwhile) = (vec![], vec![]);
    for kill in 0..KILLS {
        let id = larder.id(&format!("victim-{kill}"));
        let slot = Partition::of(&id).slot();
        let master = cluster.master_of(slot).await?;
        let mut other = None;
        for number in 0.. {
            let id = larder.id(&format!("other-{kill}-{number}"));
            if cluster.master_of(Partition::of(&id).slot()).await? != master {
                other = Some(id);
                break;
            }
        }
        let other = other.context("there are other masters")?;
        before.extend(latencies(&larder, &other, Duration::from_secs(1), &AtomicBool::new(false)).await?);

        let stop = Arc::new(AtomicBool::new(false));
        let others = tokio::spawn({
            let (larder, other, stop) = (larder.clone(), other.clone(), stop.clone());
            async move { latencies(&larder, &other, Duration::from_secs(60), &stop).await }
        });
        cluster.node_mut(master).kill().await?;
        let start = Instant::now();
        let (first_accepted, first_applied, election) = tokio::join!(
            first(&larder, &id, None, StatusCode::ACCEPTED, start),
            first(&larder, &id, Some("wait=5"), StatusCode::NO_CONTENT, start),
            replaced(cluster, slot, master),
        );
        accepted.push(first_accepted?);
        applied.push(first_applied?);
        elected.push(election?);
        stop.store(true, Ordering::Relaxed);
        meanwhile.extend(others.await??);
        cluster.node_mut(master).restart().await?;
        eventually("it is a replica", async || cluster.replica_of(cluster.master_of(slot).await?).await).await?;
    }

    println!("{KILLS} masters of three killed; cluster-node-timeout {NODE_TIMEOUT:?}");
    row("until another node is the master, ms", elected);
    row("until a write is accepted, ms", accepted);
    row("until a write is applied, ms", applied);
    println!("writes to other partitions, waited for");
    row("before, ms", before);
    row("meanwhile, ms", meanwhile);
    Ok(())
}

/// Writes until one is answered so; how long that took since `start`.
async fn first(
    larder: &Larder,
    id: &ItemId,
    prefer: Option<&str>,
    status: StatusCode,
    start: Instant,
) -> anyhow::Result<Duration> {
    eventually("a write is taken", async || {
        let request = larder.item(Method::PUT, id).body("x").timeout(Duration::from_secs(5));
        let request = prefer.iter().fold(request, |request, prefer| request.header("prefer", *prefer));
        let answer = request.send().await?.status();
        let done = answer == status || (answer == StatusCode::CREATED && prefer.is_some());
        anyhow::ensure!(done, "{answer}");
        Ok(())
    })
    .await?;
    Ok(start.elapsed())
}

/// How long each of many waited writes takes, one after the other.
async fn latencies(larder: &Larder, id: &ItemId, limit: Duration, stop: &AtomicBool) -> anyhow::Result<Vec<Duration>> {
    let (start, mut times) = (Instant::now(), vec![]);
    while start.elapsed() < limit && !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let request = larder.item(Method::PUT, id).header("prefer", "wait=5").body("x");
        request.send().await?.error_for_status()?;
        times.push(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(times)
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("  {name:<40} p50 {:>8.1}   p99 {:>8.1}   most {:>8.1}   of {}", at(50), at(99), at(100), times.len());
}
