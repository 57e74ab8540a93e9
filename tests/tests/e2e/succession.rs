//! A worker goes, and the others answer for its partitions at once.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use larder_local::system::{Output, WorkerProcess};
use larder_protocol::keys;
use larder_tests::{RedisAlone, eventually};

use crate::Tested;

#[tokio::test]
async fn a_worker_that_signs_off_tells_the_others() -> Tested {
    let redis = RedisAlone::start().await?;
    let mut worker = WorkerProcess::start(&redis.server.url(), &[], &[], Output::Inherited)?;
    lives(&redis).await?;
    let mut doorbell = redis::Client::open(redis.server.url())?.get_async_pubsub().await?;
    doorbell.subscribe(keys::DOORBELL).await?;
    worker.terminate(Duration::from_secs(5)).await?;
    let message = tokio::time::timeout(Duration::from_secs(5), doorbell.on_message().next()).await?.unwrap();
    assert_eq!(message.get_payload::<String>()?, keys::ROSTER_CHANGED);
    assert_eq!(redis.command::<u64>(&["ZCARD", keys::WORKERS]).await?, 0);
    Ok(())
}

/// Heartbeats come once a second, so ten of them in far less than ten seconds answer the message.
#[tokio::test]
async fn a_worker_that_is_told_so_looks_at_once_who_lives() -> Tested {
    let redis = RedisAlone::start().await?;
    let worker = WorkerProcess::start(&redis.server.url(), &[], &[], Output::Inherited)?;
    lives(&redis).await?;
    let start = Instant::now();
    for _ in 0..10 {
        redis.command::<u64>(&["DEL", keys::WORKERS]).await?;
        redis.command::<u64>(&["PUBLISH", keys::DOORBELL, keys::ROSTER_CHANGED]).await?;
        lives(&redis).await?;
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    drop(worker);
    Ok(())
}

async fn lives(redis: &RedisAlone) -> Tested {
    eventually("a worker lives", async || {
        anyhow::ensure!(redis.command::<u64>(&["ZCARD", keys::WORKERS]).await? == 1, "no heartbeat yet");
        Ok(())
    })
    .await
}
