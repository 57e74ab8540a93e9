//! What became of a write.

use std::time::Duration;

use larder_protocol::call::CommitReply;
use larder_protocol::{ItemId, Partition, Revision, StreamId, Write, call, keys, limits};
use larder_tests::RedisAlone;

use crate::{Tested, accepted, commit_all, put};

async fn state(redis: &RedisAlone, revision: Revision) -> anyhow::Result<String> {
    let reply: Vec<String> = redis.run(&call::outcome(revision, None)).await?;
    Ok(reply[0].clone())
}

#[tokio::test]
async fn the_outcome_of_a_write_is_told_and_never_guessed() -> Tested {
    let redis = RedisAlone::start().await?;
    let item_id = ItemId::new("a")?;
    let partition = Partition::of(&item_id);
    let never = Revision { partition, id: StreamId { ms: 5, seq: 0 } };
    assert_eq!(state(&redis, never).await?, "unknown", "before any write");

    let id = accepted(&redis, &item_id, put("x")).await?;
    let revision = Revision { partition, id };
    assert_eq!(state(&redis, revision).await?, "pending");
    commit_all(&redis, partition).await?;
    assert_eq!(state(&redis, revision).await?, "applied");
    let reply: Vec<String> = redis.run(&call::outcome(revision, Some(&item_id))).await?;
    assert_eq!(reply, ["applied", "", &id.to_string()]);

    let above = |ms, seq| Revision { partition, id: StreamId { ms, seq } };
    for unknown in [above(id.ms, id.seq + 1), above(id.ms + 1, 0), above(id.ms, u64::MAX), above(u64::MAX, u64::MAX)] {
        assert_eq!(state(&redis, unknown).await?, "unknown", "{unknown}");
    }
    assert_eq!(state(&redis, never).await?, "gone");

    let (rejected, at) = (keys::rejected(partition), id.to_string());
    let record = ["XADD", &rejected, &at, "outcome", "rejected 5-0", "id", item_id.as_str()];
    redis.command::<String>(&record).await?;
    let reply: Vec<String> = redis.run(&call::outcome(revision, None)).await?;
    assert_eq!(reply, ["rejected", "rejected 5-0", "-"]);
    let another =
        (0..).map(|n| ItemId::new(n.to_string())).find(|id| id.as_ref().is_ok_and(|id| Partition::of(id) == partition));
    let another = another.expect("ids are many")?;
    let reply: Vec<String> = redis.run(&call::outcome(revision, Some(&another))).await?;
    assert_eq!(reply, ["unknown", "", "-"], "it was to another item");
    Ok(())
}

#[tokio::test]
async fn an_outcome_is_kept_no_longer_than_somebody_may_look_for_it() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let waits = |ms| Write { wait: Some(Duration::from_millis(ms)), ..put("x") };
    let told =
        async |write| redis.command::<i64>(&["PTTL", &keys::outcome(Revision { partition: p, id: write })]).await;
    let commit_keeping = async |ms: &str| {
        let mut call = call::commit(p, 128, limits::COMMIT_MAX_BYTES, limits::DEFAULT_CHANGES_KEPT);
        assert_eq!(call.arguments[4], limits::OUTCOME_KEPT_AFTER_WAIT.as_millis().to_string().as_bytes());
        call.arguments[4] = ms.into();
        redis.run::<CommitReply>(&call).await
    };

    let (long, short) = (accepted(&redis, &id, waits(20_000)).await?, accepted(&redis, &id, waits(1)).await?);
    tokio::time::sleep(Duration::from_millis(10)).await;
    commit_keeping("5").await?;
    let left = told(long).await?;
    assert!((1..=20_005).contains(&left), "{left}");
    assert_eq!(told(short).await?, -2, "nobody waits any more");

    let reply: Vec<String> = redis.run(&call::take_outcomes(p, [short, long])).await?;
    assert_eq!(reply, ["", "created"]);
    assert_eq!(told(long).await?, -2, "it was read");
    Ok(())
}
