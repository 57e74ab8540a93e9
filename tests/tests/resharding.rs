//! Partitions move between the masters of a cluster under load: nothing is lost, reordered or judged against a key
//! that has moved away, and who follows the changes is told each of them once. Writes may wait meanwhile.
//!
//! The items of the history are on partitions whose slots move to a new master and back. `LARDER_RESHARD=all` moves
//! all partitions from three masters to four and back, which takes some minutes.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_protocol::Partition;
use larder_system::{RedisCluster, System, Topology};
use larder_tests::history::{Clock, Follower, Workload, check, check_feed, items, settle};
use larder_tests::{Direct, Larder, eventually};
use tokio::process::Command;

type Tested = anyhow::Result<()>;

/// The slots that move: those of the first partitions, which hold the items.
const SLOTS: &str = "800";

const RECOVERY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_move_under_load_and_nothing_is_lost() -> Tested {
    let builder = System::builder().topology(Topology::Cluster(3)).workers(2);
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let (larder, clock, stop) = (Arc::new(larder), Clock::start(), Arc::new(AtomicBool::new(false)));
    let items = items(&larder);
    let follower = Follower::start(larder.clone(), 1).await?;
    let workload = tokio::spawn({
        let (larder, items, stop) = (larder.clone(), items.clone(), stop.clone());
        async move { Workload { clients: 6, seed: fastrand::u64(..1_000_000) }.run(&larder, &items, clock, &stop).await }
    });

    let cluster = system.redis.cluster_mut().expect("it was asked for");
    let slot = Partition::of(&items[0]).slot();
    let old = cluster.master_of(slot).await?;
    let new = cluster.add_master().await?;
    let start = Instant::now();
    if std::env::var("LARDER_RESHARD").is_ok_and(|what| what == "all") {
        rebalance(cluster, &["--cluster-use-empty-masters"]).await?;
        let weight = format!("{}=0", id(cluster, new).await?);
        rebalance(cluster, &["--cluster-weight", &weight]).await?;
    } else {
        reshard(cluster, old, new).await?;
        ensure!(cluster.master_of(slot).await? == new, "the partition has not moved");
        reshard(cluster, new, old).await?;
    }
    let took = start.elapsed();
    system.wait_until_ready(RECOVERY).await?;
    stop.store(true, Ordering::Relaxed);
    let history = settle(&larder, &items, clock, workload.await?).await?;
    let told = follower.stop().await?;
    let report = check(&history);
    println!("moved there and back in {took:?} under load: {report}");
    assert!(report.violations.is_empty(), "{}", report.complaint());
    assert!(report.acknowledged() > 0, "nothing was written");
    let wrong = check_feed(&history, &told.changes);
    assert!(wrong.is_empty(), "the feed: {}", wrong.join("\n"));
    Ok(())
}

async fn reshard(cluster: &RedisCluster, from: usize, to: usize) -> Tested {
    let (from_id, to_id) = (id(cluster, from).await?, id(cluster, to).await?);
    let what = ["--cluster-from", &from_id, "--cluster-to", &to_id, "--cluster-slots", SLOTS, "--cluster-yes"];
    manage(cluster, "reshard", &what).await
}

async fn rebalance(cluster: &RedisCluster, what: &[&str]) -> Tested {
    manage(cluster, "rebalance", &[what, &["--cluster-threshold", "1"]].concat()).await
}

async fn id(cluster: &RedisCluster, node: usize) -> anyhow::Result<String> {
    Ok(Direct::open(&cluster.node(node).url()).await?.command(&["CLUSTER", "MYID"]).await?)
}

/// As an operator does it, who waits until the nodes have heard of the move before.
async fn manage(cluster: &RedisCluster, command: &str, arguments: &[&str]) -> Tested {
    eventually("the nodes agree", async || run(cluster, "check", &[]).await).await?;
    run(cluster, command, arguments).await
}

async fn run(cluster: &RedisCluster, command: &str, arguments: &[&str]) -> Tested {
    let node = format!("127.0.0.1:{}", cluster.node(0).port());
    let mut redis_cli = Command::new(cluster.program().cli());
    redis_cli.args(["--cluster", command, &node]).args(arguments).stdin(Stdio::null());
    let output = redis_cli.output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{command}: {}", said.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
    Ok(())
}
