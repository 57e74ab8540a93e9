//! A clock of Redis that has stepped back: IDs, heartbeats and limits lie an hour ahead of it.

use std::time::Duration;

use larder_protocol::call::{self, CommitReply};
use larder_protocol::token::{Limit, Name};
use larder_protocol::{Condition, ItemId, Operation, Partition, Revision, Revisions, StreamId, Write, keys, limits};
use larder_tests::RedisAlone;

use crate::{Tested, commit_all, put_for};

const HOUR_MS: u64 = 60 * 60 * 1_000;

/// The clock of Redis, in microseconds.
async fn now(redis: &RedisAlone) -> anyhow::Result<u64> {
    let (seconds, microseconds): (u64, u64) = redis.command(&["TIME"]).await?;
    Ok(seconds * 1_000_000 + microseconds)
}

/// Accepts a write as it was accepted before the clock stepped back by an hour.
async fn accept_ahead(redis: &RedisAlone, id: &ItemId, write: &Write) -> anyhow::Result<StreamId> {
    let ahead = StreamId { ms: now(redis).await? / 1_000 + HOUR_MS, seq: 0 };
    let fields = write.fields(id).into_iter().map(String::from_utf8).collect::<Result<Vec<_>, _>>()?;
    let (stream, at) = (keys::writes(Partition::of(id)), ahead.to_string());
    let words: Vec<_> = ["XADD", &stream, &at].into_iter().chain(fields.iter().map(String::as_str)).collect();
    redis.command::<String>(&words).await?;
    Ok(ahead)
}

#[tokio::test]
async fn a_time_to_live_is_as_long_as_it_says() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accept_ahead(&redis, &id, &put_for("x", Duration::from_secs(1))).await?;
    commit_all(&redis, Partition::of(&id)).await?;
    let left: i64 = redis.command(&["PTTL", &keys::item(&id)]).await?;
    assert!((-2..=1_000).contains(&left), "{left}");
    Ok(())
}

#[tokio::test]
async fn an_outcome_is_kept_no_longer_than_it_is_waited_for() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let wait = Duration::from_secs(2);
    let write = Write { wait: Some(wait), ..Operation::Barrier.into() };
    let ahead = accept_ahead(&redis, &id, &write).await?;
    commit_all(&redis, Partition::of(&id)).await?;
    let outcome = keys::outcome(Revision { partition: Partition::of(&id), id: ahead });
    let left: u128 = redis.command::<i64>(&["PTTL", &outcome]).await?.try_into()?;
    assert!(left <= (wait + limits::OUTCOME_KEPT_AFTER_WAIT).as_millis(), "{left}");
    Ok(())
}

#[tokio::test]
async fn what_was_rejected_is_never_told_as_applied() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let partition = Partition::of(&id);
    let condition = Condition { if_match: Some(Revisions::Any), if_none_match: None };
    let ahead = accept_ahead(&redis, &id, &Write { condition, ..Operation::Delete.into() }).await?;
    redis.run::<CommitReply>(&call::commit(partition, 128, limits::COMMIT_MAX_BYTES, 0)).await?;
    let state = async || -> anyhow::Result<String> {
        let reply: Vec<String> = redis.run(&call::outcome(Revision { partition, id: ahead }, None)).await?;
        Ok(reply[0].clone())
    };
    assert_eq!(state().await?, "rejected");

    let expire = call::expire(partition, 0);
    redis.run::<Vec<u64>>(&expire).await?;
    assert_eq!(state().await?, "rejected", "it is younger than records are kept");
    // As if the clock were ahead again, and so far that the record is old: then it steps back once more.
    let mut expire = expire;
    let kept = expire.arguments.last_mut().expect("it has arguments");
    *kept = format!("-{}", 2 * HOUR_MS).into_bytes();
    redis.run::<Vec<u64>>(&expire).await?;
    assert_eq!(state().await?, "gone");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_died_before_the_step_does_not_live_for_an_hour() -> Tested {
    let redis = RedisAlone::start().await?;
    let p = Partition::FIRST;
    let ahead = (now(&redis).await? / 1_000 + HOUR_MS).to_string();
    redis.command::<u64>(&["ZADD", &keys::workers(p), &ahead, "dead"]).await?;
    assert_eq!(redis.run::<Vec<u64>>(&call::live_workers(p)).await?, [0]);
    assert_eq!(redis.run::<Vec<String>>(&call::heartbeat(p, "alive")).await?, ["alive"]);
    assert_eq!(redis.run::<Vec<u64>>(&call::live_workers(p)).await?, [1]);
    Ok(())
}

#[tokio::test]
async fn a_limit_refuses_for_no_longer_than_its_burst_takes() -> Tested {
    let redis = RedisAlone::start().await?;
    let name: Name = "ci".parse()?;
    let take = async |limit| redis.run::<Vec<u64>>(&call::rate(&name, limit)).await;
    // A step back, and a limit of another kind that was used up.
    for ahead in [HOUR_MS, 1_000_000] {
        let full = now(&redis).await? + ahead * 1_000;
        redis.command::<String>(&["SET", &keys::rate(&name), &full.to_string()]).await?;
        let limit = Limit { rate: 100.try_into()?, burst: 10.try_into()? };
        let [allowed, left, wait_ms, full_ms] = take(limit).await?[..] else { anyhow::bail!("not four numbers") };
        assert_eq!((allowed, left), (0, 0), "nothing is left of the burst");
        assert!(wait_ms <= 10 && full_ms <= 100, "{wait_ms} {full_ms}");
        tokio::time::sleep(Duration::from_millis(wait_ms + 1)).await;
        assert_eq!(take(limit).await?[0], 1, "it may when it was told that it may");
    }
    Ok(())
}
