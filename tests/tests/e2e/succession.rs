//! A worker goes, and the others answer for its partitions at once.

use std::time::{Duration, Instant};

use larder_protocol::{Partition, keys};
use larder_system::{Output, WorkerProcess};
use larder_tests::{Doorbell, RedisAlone, eventually};

use crate::Tested;

/// One Redis keeps the roster in its first partition, and tells of its changes on the doorbell there.
fn home() -> Partition {
    Partition::all().next().expect("there are some")
}

#[tokio::test]
async fn a_worker_that_signs_off_tells_the_others() -> Tested {
    let redis = RedisAlone::start().await?;
    let mut worker = WorkerProcess::start(&redis.server.url(), &[], &[], Output::Inherited)?;
    lives(&redis).await?;
    let mut doorbell = Doorbell::of(&redis.server.url(), home()).await?;
    worker.terminate(Duration::from_secs(5)).await?;
    assert_eq!(doorbell.next(Duration::from_secs(5)).await?.as_deref(), Some(keys::ROSTER_CHANGED));
    assert_eq!(redis.command::<u64>(&["ZCARD", &keys::workers(home())]).await?, 0);
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
        redis.command::<u64>(&["DEL", &keys::workers(home())]).await?;
        redis.command::<u64>(&["SPUBLISH", &keys::doorbell(home()), keys::ROSTER_CHANGED]).await?;
        lives(&redis).await?;
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    drop(worker);
    Ok(())
}

async fn lives(redis: &RedisAlone) -> Tested {
    eventually("a worker lives", async || {
        anyhow::ensure!(redis.command::<u64>(&["ZCARD", &keys::workers(home())]).await? == 1, "no heartbeat yet");
        Ok(())
    })
    .await
}
