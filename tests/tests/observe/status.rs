//! `/status`: what it tells of a store that is well, of one that is not, and of a Redis that does not keep what is
//! promised.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use larder_protocol::{Content, ItemId, Operation, Partition, Write, keys};
use larder_system::{DataFolder, RedisCluster};
use larder_tests::{RedisAlone, Worker, eventually};
use serde_json::{Value, json};

use crate::Tested;

/// So that no replica takes over, on a busy machine neither.
const NODE_TIMEOUT: Duration = Duration::from_secs(20);

fn put() -> Write {
    Operation::Put { content: Content::new(None, b"x".into()).expect("it has no type"), ttl: None }.into()
}

async fn status(worker: &Worker) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&worker.page("/status").await?)?)
}

/// Waits until the status has these members.
async fn becomes(worker: &Worker, expected: Value) -> anyhow::Result<Value> {
    eventually("the status is as expected", async || {
        let status = status(worker).await?;
        for (member, value) in expected.as_object().expect("it is an object") {
            ensure!(status[member] == *value, "{member} is {}", status[member]);
        }
        Ok(status)
    })
    .await
}

#[tokio::test]
async fn a_store_that_is_well_says_all_of_itself() -> Tested {
    let redis = RedisAlone::start_with(&["--maxmemory", "64mb"]).await?;
    let worker = Worker::start(&redis.server.url(), &[])?;
    let id = ItemId::new("a")?;
    redis.accept(&id, &put(), 10).await?;
    let status = becomes(&worker, json!({"ready": true, "items": 1, "pending": 0})).await?;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    for member in ["missing", "unknown_partitions", "oldest_pending_seconds"] {
        assert!(status[member].is_null(), "{member}: {}", status[member]);
    }
    assert_eq!(status["warnings"], json!([]));
    assert_eq!(status["dead_letters"], 0);
    assert!(status["seen_seconds_ago"].as_f64().is_some_and(|ago| ago < 10.0), "{}", status["seen_seconds_ago"]);

    let status = eventually("Redis has been inspected", async || {
        let status = self::status(&worker).await?;
        ensure!(!status["masters"][0]["settings"].is_null(), "not yet");
        Ok(status)
    })
    .await?;
    let master = &status["masters"][0];
    let address = format!("127.0.0.1:{}", redis.server.port());
    for (member, value) in [
        ("address", json!(address)),
        ("up", json!(true)),
        ("partitions", json!("0-63")),
        ("live_workers", json!(1)),
        ("replicas", json!(0)),
        ("settings", json!({"appendonly": "yes", "appendfsync": "always", "maxmemory_policy": "noeviction"})),
        ("memory_limit_bytes", json!(64 * 1024 * 1024)),
        ("keeps_promises", json!(true)),
    ] {
        assert_eq!(master[member], value, "{member}");
    }
    assert!(master["server"].as_str().is_some_and(|server| server.contains(' ')), "{}", master["server"]);
    assert!(master["memory_used_bytes"].as_u64().is_some_and(|used| used > 100_000), "{}", master["memory_used_bytes"]);

    let p = Partition::of(&id).index();
    let partitions = status["partitions"].as_array().expect("it is a list");
    assert_eq!(partitions.len(), Partition::all().count());
    let expected = json!({"partition": p, "master": address, "pending": 0, "oldest_pending_seconds": null,
        "accepted": 1, "items": 1, "dead_letters": 0});
    assert_eq!(partitions[p], expected);
    Ok(())
}

#[tokio::test]
async fn writes_that_cannot_be_applied_now_or_ever_are_seen() -> Tested {
    let redis = RedisAlone::start().await?;
    let worker = Worker::start(&redis.server.url(), &[])?;
    let [id, other] = [ItemId::new("a")?, ItemId::new("b")?];
    let (p, q) = (Partition::of(&id), Partition::of(&other));
    assert_ne!(p, q);
    // No item can be put on this index.
    redis.command::<()>(&["SET", &keys::index(p), "something else"]).await?;
    redis.accept(&id, &put(), 10).await?;
    redis.command::<String>(&["XADD", &keys::writes(q), "*", "no", "write"]).await?;
    let status = becomes(&worker, json!({"pending": 1, "dead_letters": 1, "unknown_partitions": null})).await?;
    let [stuck, dead] = [p, q].map(|p| status["partitions"][p.index()].clone());
    assert!(stuck["oldest_pending_seconds"].as_f64().is_some() && stuck["items"].is_null(), "{stuck}");
    assert_eq!((&dead["dead_letters"], &dead["pending"]), (&json!(1), &json!(0)), "{dead}");

    let metrics = worker.page("/metrics").await?;
    assert!(metrics.contains(&format!("larder_dead_letters{{partition=\"{q}\"}} 1")), "{metrics}");
    eventually("it waits for longer and longer", async || {
        let oldest = self::status(&worker).await?["oldest_pending_seconds"].as_f64();
        ensure!(oldest > Some(1.0), "{oldest:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_redis_that_does_not_keep_the_promises_is_told_once_and_for_as_long() -> Tested {
    let redis = RedisAlone::start_with(&["--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru"]).await?;
    let worker = Worker::start(&redis.server.url(), &[])?;
    let keeps = async |expected: Value, warnings: usize| {
        eventually("it says whether promises are kept", async || {
            let status = status(&worker).await?;
            let (kept, told) = (&status["masters"][0]["keeps_promises"], &status["warnings"]);
            ensure!(*kept == expected && told.as_array().is_some_and(|told| told.len() == warnings), "{kept} {told}");
            Ok(told.to_string())
        })
        .await
    };
    let told = keeps(json!(false), 2).await?;
    for says in ["appendfsync is everysec", "maxmemory-policy is allkeys-lru", &redis.server.port().to_string()] {
        assert!(told.contains(says), "{told}");
    }
    assert!(worker.page("/metrics").await?.contains("larder_redis_keeps_promises{"));

    redis.command::<()>(&["CONFIG", "SET", "appendfsync", "always", "maxmemory-policy", "noeviction"]).await?;
    keeps(json!(true), 0).await?;
    redis.command::<()>(&["CONFIG", "SET", "appendonly", "no"]).await?;
    let told = keeps(json!(false), 1).await?;
    assert!(told.contains("appendonly is no"), "{told}");

    let log = worker.log()?;
    for said in ["appendfsync is everysec", "maxmemory-policy is allkeys-lru", "again", "appendonly is no"] {
        assert_eq!(log.matches(said).count(), 1, "{said}: {log}");
    }
    Ok(())
}

/// As managed services do.
#[tokio::test]
async fn a_redis_that_does_not_tell_its_settings_is_not_accused() -> Tested {
    let redis = RedisAlone::start_with(&["--appendfsync", "everysec"]).await?;
    redis.command::<()>(&["ACL", "SETUSER", "default", "-config"]).await?;
    let worker = Worker::start(&redis.server.url(), &[])?;
    let status = eventually("Redis has been inspected", async || {
        let status = status(&worker).await?;
        ensure!(!status["masters"][0]["settings"].is_null(), "not yet");
        Ok(status)
    })
    .await?;
    let expected = json!({"appendonly": "yes", "appendfsync": null, "maxmemory_policy": "noeviction"});
    assert_eq!(status["masters"][0]["settings"], expected);
    assert_eq!((&status["masters"][0]["keeps_promises"], &status["warnings"]), (&Value::Null, &json!([])));
    let metrics = worker.page("/metrics").await?;
    assert!(metrics.contains("larder_redis_memory_used_bytes{"), "{metrics}");
    assert!(!metrics.contains("larder_redis_keeps_promises{"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn of_a_master_that_is_down_nothing_is_told_and_the_others_are_known() -> Tested {
    let mut cluster = RedisCluster::start(&Arc::new(DataFolder::temporary()?), 3, NODE_TIMEOUT).await?;
    let worker = Worker::start(&cluster.url(), &[])?;
    becomes(&worker, json!({"ready": true, "unknown_partitions": null})).await?;
    let first = cluster.master_of(0).await?;
    cluster.node_mut(first).kill().await?;
    let status = becomes(&worker, json!({"ready": false, "unknown_partitions": "0-20"})).await?;
    assert!(status["missing"].as_str().is_some_and(|missing| missing.contains("partitions 0-20")), "{status}");
    let up = |n: usize| status["masters"][n]["up"].as_bool();
    assert_eq!([up(0), up(1), up(2)], [Some(false), Some(true), Some(true)]);
    let [lost, kept] = [0, 63].map(|p| &status["partitions"][p]);
    assert!(lost["pending"].is_null() && lost["master"] == status["masters"][0]["address"], "{lost}");
    assert!(kept["pending"] == 0 && kept["master"] == status["masters"][2]["address"], "{kept}");
    Ok(())
}
