//! The worker follows the masters: of a cluster, whose partitions move and whose masters die, and the one
//! that Sentinels name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_local::system::{DataFolder, RedisCluster, RedisSentinel, built};
use larder_protocol::{Condition, Content, Item, ItemId, Operation, Partition, Revisions, StreamId, Write, call, keys};
use larder_tests::{Direct, Worker, eventually};
use redis::Value;

type Tested = anyhow::Result<()>;

/// So that a replica takes over soon.
const NODE_TIMEOUT: Duration = Duration::from_secs(1);

/// So that none does, on a busy machine neither, where the test is about something else.
const LONG_NODE_TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster of three masters with a replica each.
async fn cluster(node_timeout: Duration) -> anyhow::Result<RedisCluster> {
    RedisCluster::start(&Arc::new(DataFolder::temporary()?), 3, node_timeout).await
}

/// An item of each partition.
fn items() -> BTreeMap<Partition, ItemId> {
    let ids = (0..2_000).map(|n| ItemId::new(format!("item-{n}")).expect("it is an id"));
    ids.map(|id| (Partition::of(&id), id)).collect()
}

fn put(value: &str) -> Write {
    Operation::Put { content: Content::new(None, value.into()).expect("it has no type"), ttl: None }.into()
}

/// Accepts a write as the component does.
async fn accept(redis: &Direct, id: &ItemId, write: &Write) -> anyhow::Result<StreamId> {
    let reply: Vec<Value> = redis.run(&call::accept(id, write, "", 1_000, false)).await?;
    match &reply[..] {
        [Value::BulkString(what), Value::BulkString(id), _] if what == b"accepted" => {
            Ok(std::str::from_utf8(id)?.parse()?)
        }
        _ => anyhow::bail!("{reply:?}"),
    }
}

async fn item(redis: &Direct, id: &ItemId) -> anyhow::Result<Option<Item>> {
    let stored: Option<Vec<u8>> = redis.command(&["GET", &keys::item(id)]).await?;
    Ok(stored.map(Item::decode).transpose()?)
}

async fn becomes(redis: &Direct, id: &ItemId, value: &str) -> Tested {
    eventually("the write is applied", async || {
        let now = item(redis, id).await?.map(|item| String::from_utf8_lossy(&item.value).into_owned());
        ensure!(now.as_deref() == Some(value), "{id} is {now:?}");
        Ok(())
    })
    .await
}

/// Connections to single nodes, by which one that is down keeps no other waiting.
struct Nodes<'a> {
    cluster: &'a RedisCluster,
    of: BTreeMap<Partition, usize>,
}

impl<'a> Nodes<'a> {
    async fn of(cluster: &'a RedisCluster) -> anyhow::Result<Self> {
        let mut of = BTreeMap::new();
        for p in Partition::all() {
            of.insert(p, cluster.master_of(p.slot()).await?);
        }
        Ok(Self { cluster, of })
    }

    async fn open(&self, p: Partition) -> anyhow::Result<Direct> {
        Ok(Direct::open(&self.cluster.node(self.of[&p]).url()).await?)
    }
}

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

/// Each of the commands that `redis-cli --cluster reshard` sends, one after the other.
#[tokio::test]
async fn a_partition_that_moves_is_waited_for() -> Tested {
    let cluster = cluster(LONG_NODE_TIMEOUT).await?;
    let p = Partition::all().next().unwrap();
    let ids: Vec<ItemId> =
        (0..).filter_map(|n| ItemId::new(n.to_string()).ok()).filter(|id| Partition::of(id) == p).take(20).collect();
    let (from, to) = (cluster.master_of(p.slot()).await?, cluster.master_of(16_383).await?);
    let [source, target] = [from, to].map(|node| cluster.node(node));
    let (here, there) = (Direct::open(&source.url()).await?, Direct::open(&target.url()).await?);
    let (from, to): (String, String) =
        (here.command(&["CLUSTER", "MYID"]).await?, there.command(&["CLUSTER", "MYID"]).await?);
    let worker = Worker::start(&cluster.url(), &[])?;
    worker.is_ready().await?;
    let mut revisions = Vec::new();
    for id in &ids {
        revisions.push(accept(&here, id, &put("before")).await?);
        becomes(&here, id, "before").await?;
    }

    let slot = p.slot().to_string();
    there.command::<String>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]).await?;
    here.command::<String>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]).await?;
    let port = target.port().to_string();
    let migrate = async |keys: &[String]| {
        let words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        let words: Vec<&str> = words.into_iter().chain(keys.iter().map(String::as_str)).collect();
        here.command::<String>(&words).await
    };
    // Half of the items go before the writes come that name them.
    let gone: Vec<String> = ids.iter().take(10).map(keys::item).collect();
    migrate(&gone).await?;
    for (id, revision) in ids.iter().zip(&revisions) {
        let condition = Condition { if_match: Some(Revisions::These(vec![*revision])), ..Condition::default() };
        accept(&here, id, &Write { condition, ..put("after") }).await?;
    }
    eventually("the worker has tried", async || {
        let log = worker.log()?;
        ensure!(log.contains("the partition is moving to another master"), "{log}");
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(here.command::<u64>(&["XLEN", &keys::writes(p)]).await?, 20, "it does not judge what it cannot see");

    loop {
        let left: Vec<String> = here.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "7"]).await?;
        if left.is_empty() {
            break;
        }
        migrate(&left).await?;
    }
    let start = Instant::now();
    for node in [target, source]
        .into_iter()
        .chain(cluster.nodes().filter(|node| ![source.port(), target.port()].contains(&node.port())))
    {
        let node = Direct::open(&node.url()).await?;
        // Replicas refuse it, and hear it from their masters.
        let told = node.command::<String>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to]).await;
        drop(told);
    }
    for id in &ids {
        becomes(&there, id, "after").await?;
    }
    println!("applied {:?} after the move", start.elapsed());
    worker.is_ready().await?;
    let log = worker.log()?;
    assert!(!log.contains(" WARN "), "nothing is wrong\n{log}");
    assert_eq!(log.matches("is moving to another master").count(), 1, "it is said once\n{log}");
    Ok(())
}

#[tokio::test]
async fn dead_letters_are_found_at_every_master() -> Tested {
    let cluster = cluster(LONG_NODE_TIMEOUT).await?;
    let url = cluster.url();
    let worker = Worker::start(&url, &[])?;
    worker.is_ready().await?;
    let ids = items();
    let nodes = Nodes::of(&cluster).await?;
    let [first, last] = [0, 63].map(|n| Partition::new(n).unwrap());
    for p in [first, last] {
        let redis = nodes.open(p).await?;
        redis.command::<u64>(&["RPUSH", &keys::item(&ids[&p]), "no item"]).await?;
        accept(&redis, &ids[&p], &put("retried")).await?;
        eventually("it is dead", async || {
            ensure!(redis.command::<u64>(&["XLEN", &keys::dead(p)]).await? == 1, "not yet");
            Ok(())
        })
        .await?;
        redis.command::<u64>(&["DEL", &keys::item(&ids[&p])]).await?;
    }
    let dead = |words: &[&str]| -> anyhow::Result<String> {
        let output = std::process::Command::new(built("larder-worker")?)
            .args(["--redis", &cluster.node(0).url(), "dead"])
            .args(words)
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let names: Vec<String> =
        dead(&["list"])?.lines().skip(1).filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    assert!(names.len() == 2 && names[0].starts_with("0-") && names[1].starts_with("63-"), "{names:?}");
    dead(&["retry", "--all"])?;
    for p in [first, last] {
        becomes(&nodes.open(p).await?, &ids[&p], "retried").await?;
    }
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
