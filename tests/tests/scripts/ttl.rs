//! Times to live.

use std::time::Duration;

use larder_protocol::{ItemId, Partition, call, keys, limits};
use larder_tests::RedisAlone;

use crate::{Tested, accepted, commit_all, item, put, put_for};

#[tokio::test]
async fn a_ttl_counts_from_acceptance_and_ends_the_item_and_its_index_entry() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let revision = accepted(&redis, &id, put_for("short", Duration::from_millis(300))).await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    commit_all(&redis, p).await?;
    assert_eq!(item(&redis, &id).await?.unwrap().head.expires_at_ms, Some(revision.ms + 300));
    assert_eq!(redis.run::<(u64, u64)>(&call::expire(p, limits::DEFAULT_CHANGES_KEPT)).await?, (0, 0), "not yet");

    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(item(&redis, &id).await?, None);
    assert_eq!(redis.run::<(u64, u64)>(&call::expire(p, limits::DEFAULT_CHANGES_KEPT)).await?, (1, 1));
    assert_eq!(redis.command::<u64>(&["EXISTS", &keys::index(p), &keys::expiry(p)]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_ttl_that_ended_before_the_commit_leaves_nothing() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accepted(&redis, &id, put("old")).await?;
    accepted(&redis, &id, put_for("new", Duration::from_millis(1))).await?;
    tokio::time::sleep(Duration::from_millis(10)).await;
    commit_all(&redis, Partition::of(&id)).await?;
    assert_eq!(item(&redis, &id).await?, None);
    assert_eq!(redis.command::<u64>(&["EXISTS", &keys::index(Partition::of(&id))]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn rewriting_without_a_ttl_keeps_the_item() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    accepted(&redis, &id, put_for("short", Duration::from_millis(50))).await?;
    accepted(&redis, &id, put("long")).await?;
    commit_all(&redis, p).await?;
    tokio::time::sleep(Duration::from_millis(80)).await;
    redis.run::<(u64, u64)>(&call::expire(p, limits::DEFAULT_CHANGES_KEPT)).await?;
    assert_eq!(item(&redis, &id).await?.unwrap().value, b"long");
    assert_eq!(redis.command::<u64>(&["ZCARD", &keys::index(p)]).await?, 1);
    Ok(())
}
