//! What is known of the workers and how far behind they are.

use std::time::Duration;

use larder_protocol::{ItemId, Partition, call, keys};
use larder_tests::RedisAlone;

use crate::{Tested, accepted, commit_all, put};

#[tokio::test]
async fn silent_workers_count_as_gone() -> Tested {
    let redis = RedisAlone::start().await?;
    let p = Partition::all().next().unwrap();
    let beat = async |name: &str| redis.run::<Vec<String>>(&call::heartbeat(p, name)).await;
    let live = async || redis.run::<Vec<u64>>(&call::live_workers(p)).await;
    assert_eq!(live().await?, [0]);
    assert_eq!(beat("a").await?, ["a"]);
    assert_eq!(beat("b").await?, ["a", "b"]);
    assert_eq!(live().await?, [2]);
    // As if it had reported once, long ago.
    redis.command::<u64>(&["ZADD", &keys::workers(p), "1000", "a"]).await?;
    assert_eq!(live().await?, [1]);
    assert_eq!(beat("b").await?, ["b"]);
    Ok(())
}

#[tokio::test]
async fn the_lag_is_the_age_of_the_oldest_write() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let lag = async || -> anyhow::Result<u64> { Ok(redis.run::<Vec<u64>>(&call::lag(Partition::of(&id))).await?[0]) };
    assert_eq!(lag().await?, 0);
    accepted(&redis, &id, put("old")).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    accepted(&redis, &id, put("new")).await?;
    assert!(lag().await? >= 50);
    commit_all(&redis, Partition::of(&id)).await?;
    assert_eq!(lag().await?, 0);
    Ok(())
}
