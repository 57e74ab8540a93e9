//! A master that dies, and what takes its place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_protocol::{ItemId, Partition};
use larder_system::{DataFolder, RedisSentinel};
use larder_tests::{Direct, Worker, eventually};

use super::{LONG_NODE_TIMEOUT, NODE_TIMEOUT, Nodes, Tested, accept, becomes, cluster, items, put};

/// How long writes took from their acceptance until they were applied, as p50 and most.
async fn latency(
    nodes: &Nodes<'_>,
    ids: &BTreeMap<Partition, ItemId>,
    without: Option<usize>,
) -> anyhow::Result<(Duration, Duration)> {
    let mut took = Vec::new();
    for (&p, id) in ids.iter().filter(|(p, _)| Some(nodes.of[p]) != without) {
        let redis = nodes.open(p).await?;
        for n in 0..4 {
            let value = format!("{n} at {:?}", Instant::now());
            accept(&redis, id, &put(&value)).await?;
            let start = Instant::now();
            becomes(&redis, id, &value).await?;
            took.push(start.elapsed());
        }
    }
    took.sort();
    Ok((took[took.len() / 2], took[took.len() - 1]))
}

#[tokio::test]
async fn a_master_that_is_gone_costs_its_partitions_only() -> Tested {
    let mut cluster = cluster(LONG_NODE_TIMEOUT).await?;
    let ids = items();
    // Without its replica, so that nobody takes its place.
    let gone = cluster.master_of(Partition::all().next().unwrap().slot()).await?;
    let replica = cluster.replica_of(gone).await?;
    cluster.node_mut(replica).kill().await?;
    let url = cluster.url();
    let mut worker = Worker::start(&url, &[])?;
    worker.is_ready().await?;
    println!("before, p50 and most: {:?}", latency(&Nodes::of(&cluster).await?, &ids, Some(gone)).await?);

    worker.process.pause()?;
    let of = {
        let nodes = Nodes::of(&cluster).await?;
        for (&p, id) in &ids {
            accept(&nodes.open(p).await?, id, &put("waits")).await?;
        }
        nodes.of
    };
    cluster.node_mut(gone).kill().await?;
    worker.process.resume()?;
    let nodes = Nodes { cluster: &cluster, of: of.clone() };
    for (&p, id) in ids.iter().filter(|(p, _)| of[p] != gone) {
        becomes(&nodes.open(p).await?, id, "waits").await?;
    }
    let master = format!("127.0.0.1:{}", cluster.node(gone).port());
    eventually("ready tells of it", async || {
        let says = worker.page("/ready").await?;
        let told = says.starts_with(&format!("not ready: {master} (partitions 0-20): Redis is unreachable: "));
        ensure!(told && says.matches("partitions").count() == 1, "{says}");
        Ok(())
    })
    .await?;
    let metrics = worker.page("/metrics").await?;
    assert!(metrics.contains(&format!("larder_redis_up{{master=\"{master}\"}} 0\n")), "{metrics}");
    assert_eq!(metrics.lines().filter(|line| line.starts_with("larder_redis_up{") && line.ends_with("} 1")).count(), 2);
    println!("meanwhile: {:?}", latency(&nodes, &ids, Some(gone)).await?);

    cluster.node_mut(gone).restart().await?;
    let nodes = Nodes { cluster: &cluster, of: of.clone() };
    for (&p, id) in ids.iter().filter(|(p, _)| of[p] == gone) {
        becomes(&nodes.open(p).await?, id, "waits").await?;
    }
    worker.is_ready().await?;
    let log = worker.log()?;
    assert_eq!(log.matches("Redis is unreachable").count(), 1, "it is said once\n{log}");
    assert_eq!(log.matches("Redis is back").count(), 1, "{log}");
    assert_eq!(log.matches("subscribed").count(), 4, "the others have the sessions that they had\n{log}");
    Ok(())
}

#[tokio::test]
async fn a_replica_that_takes_over_is_found_and_revisions_tell_its_term() -> Tested {
    let mut cluster = cluster(NODE_TIMEOUT).await?;
    let p = Partition::all().next().unwrap();
    let id = &items()[&p];
    let gone = cluster.master_of(p.slot()).await?;
    let worker = Worker::start(&cluster.url(), &[])?;
    worker.is_ready().await?;
    let before = {
        let redis = Direct::open(&cluster.node(gone).url()).await?;
        let before = accept(&redis, id, &put("before")).await?;
        becomes(&redis, id, "before").await?;
        ensure!(redis.command::<u64>(&["WAIT", "1", "10000"]).await? == 1, "the replica lags");
        before
    };
    cluster.node_mut(gone).kill().await?;
    let start = Instant::now();
    let redis = eventually("another master accepts", async || {
        let master = cluster.master_of(p.slot()).await?;
        ensure!(master != gone, "not yet");
        let redis = Direct::open(&cluster.node(master).url()).await?;
        let after = accept(&redis, id, &put("after")).await?;
        ensure!(after > before && after.seq >> 16 != before.seq >> 16, "{after} after {before}");
        Ok(redis)
    })
    .await?;
    let accepts = start.elapsed();
    becomes(&redis, id, "after").await?;
    println!("accepted {accepts:?} after the kill, applied after {:?}", start.elapsed());
    worker.is_ready().await?;
    let all = worker.page("/metrics").await?;
    let masters = all.lines().filter(|line| line.starts_with("larder_redis_up{")).count();
    assert!((3..=4).contains(&masters), "{all}");
    Ok(())
}

#[tokio::test]
async fn the_primary_that_sentinels_name_is_followed() -> Tested {
    let mut sentinel = RedisSentinel::start(&Arc::new(DataFolder::temporary()?), NODE_TIMEOUT).await?;
    let seeds = format!("redis://127.0.0.1:1,{}", sentinel.address());
    let worker = Worker::start(&seeds, &[("LARDER_REDIS_SENTINEL", sentinel.name())])?;
    worker.is_ready().await?;
    let (id, redis) = (ItemId::new("a")?, Direct::open(&sentinel.node_mut(0).url()).await?);
    let before = accept(&redis, &id, &put("before")).await?;
    becomes(&redis, &id, "before").await?;
    ensure!(redis.command::<u64>(&["WAIT", "1", "10000"]).await? == 1, "the replica lags");
    assert!(before.seq >> 16 > 0, "{before} tells no term");

    sentinel.node_mut(0).kill().await?;
    let start = Instant::now();
    // Its clients are cut off when it is promoted.
    let url = sentinel.node_mut(1).url();
    let (redis, after) = eventually("the replica accepts", async || {
        let redis = Direct::open(&url).await?;
        let after = accept(&redis, &id, &put("after")).await?;
        Ok((redis, after))
    })
    .await?;
    let accepts = start.elapsed();
    becomes(&redis, &id, "after").await?;
    println!("accepted {accepts:?} after the kill, applied after {:?}", start.elapsed());
    assert!(after > before && after.seq >> 16 != before.seq >> 16, "{after} after {before}");
    worker.is_ready().await?;
    Ok(())
}
