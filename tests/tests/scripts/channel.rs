//! The channel of writes: order, bounds, the doorbell, and what a commit tells.

use std::time::Duration;

use larder_protocol::call::Committed;
use larder_protocol::{Condition, ItemId, Operation, Partition, Revisions, TraceParent, Write, keys, limits};
use larder_tests::{Doorbell, RedisAlone};
use redis::Value;

use crate::{Tested, accepted, commit_all, item, put, text};

#[tokio::test]
async fn a_write_waits_on_the_channel_and_is_applied_once() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("cart:42")?;
    let p = Partition::of(&id);

    let revision = accepted(&redis, &id, put("one")).await?;
    assert_eq!(item(&redis, &id).await?, None, "accepting applies nothing");
    assert_eq!(commit_all(&redis, p).await?, (1, 0));
    assert_eq!(commit_all(&redis, p).await?, (0, 0));

    let stored = item(&redis, &id).await?.unwrap();
    assert_eq!(stored.head.revision, revision);
    assert_eq!((stored.head.content_type.as_str(), stored.value.as_slice()), ("text/plain", &b"one"[..]));
    assert_eq!(redis.command::<Vec<String>>(&["ZRANGE", &keys::index(p), "0", "-1"]).await?, ["cart:42"]);
    Ok(())
}

#[tokio::test]
async fn writes_apply_in_the_order_of_acceptance() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    for n in 0..300 {
        accepted(&redis, &id, put(&n.to_string())).await?;
    }
    accepted(&redis, &id, Operation::Delete.into()).await?;
    let last = accepted(&redis, &id, put("last")).await?;

    let mut applied = Vec::new();
    loop {
        let Committed { applied: count, dead, left, error, .. } =
            redis.commit(Partition::of(&id), 128, usize::MAX >> 12).await?;
        assert_eq!((dead, error.as_str()), (0, ""));
        applied.push(count);
        if left == 0 {
            break;
        }
    }
    assert_eq!(applied, [128, 128, 46], "each call is bounded in entries");
    assert_eq!(item(&redis, &id).await?.unwrap().head.revision, last);
    Ok(())
}

#[tokio::test]
async fn a_call_is_bounded_in_bytes_but_always_takes_one() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    for _ in 0..10 {
        accepted(&redis, &id, put(&"x".repeat(1_000))).await?;
    }
    let Committed { applied, left, .. } = redis.commit(Partition::of(&id), 128, 1).await?;
    assert_eq!((applied, left), (1, 9));
    let Committed { applied, left, .. } = redis.commit(Partition::of(&id), 128, 3_500).await?;
    assert!((2..=4).contains(&applied), "{applied}");
    assert_eq!(left, 9 - applied);
    Ok(())
}

#[tokio::test]
async fn overload_is_refused_and_nothing_is_queued() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    for _ in 0..3 {
        assert_eq!(redis.accept(&id, &put("x"), 3).await?[0], text("accepted"));
    }
    assert_eq!(redis.accept(&id, &put("x"), 3).await?, [text("full"), Value::Int(3)]);
    assert_eq!(redis.command::<u64>(&["XLEN", &keys::writes(Partition::of(&id))]).await?, 3);
    Ok(())
}

#[tokio::test]
async fn the_doorbell_rings_only_for_the_first_write() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let mut doorbell = Doorbell::of(&redis.server.url(), Partition::of(&id)).await?;
    accepted(&redis, &id, put("1")).await?;
    accepted(&redis, &id, put("2")).await?;
    commit_all(&redis, Partition::of(&id)).await?;
    accepted(&redis, &id, put("3")).await?;

    for _ in 0..2 {
        assert_eq!(doorbell.next(Duration::from_secs(5)).await?, Some(Partition::of(&id).to_string()));
    }
    let third = doorbell.next(Duration::from_millis(50)).await?;
    assert!(third.is_none(), "a stream that was not empty needs no ring");
    Ok(())
}

/// Of entries that are dead, or of a trace that is recorded, the commit tells the end; and of all how long they took.
#[tokio::test]
async fn a_commit_tells_of_the_traces_that_are_recorded_and_of_the_dead() -> Tested {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let traced = |flags: &str| {
        let trace = TraceParent::parse(format!("{TRACE}{flags}").as_bytes());
        assert!(trace.is_some());
        Write { trace, ..put("x") }
    };
    let silent = Condition { if_none_match: Some(Revisions::Any), ..Condition::default() };
    let recorded = accepted(&redis, &id, traced("01")).await?;
    accepted(&redis, &id, traced("00")).await?;
    accepted(&redis, &id, put("y")).await?;
    let rejected = accepted(&redis, &id, Write { condition: silent, ..traced("03") }).await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let committed = redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?;
    let told: Vec<_> = committed.told.iter().map(|told| (told.id, told.outcome.split(' ').next())).collect();
    assert_eq!(told, [(recorded, Some("created")), (rejected, Some("rejected"))]);
    assert_eq!(committed.told[0].trace, traced("01").trace);
    assert_eq!(committed.bytes, 4 * "text/plain\n\nx".len() as u64);
    assert_eq!(committed.ages.iter().map(|(_, entries)| entries).sum::<u64>(), 4);
    assert!(committed.ages.iter().all(|(ms, _)| (20..10_000).contains(ms)), "{:?}", committed.ages);

    redis.command::<u64>(&["DEL", &keys::item(&id)]).await?;
    redis.command::<u64>(&["SADD", &keys::item(&id), "something else"]).await?;
    let dead = accepted(&redis, &id, traced("00")).await?;
    let committed = redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?;
    let told: Vec<_> = committed.told.iter().map(|told| (told.id, told.trace, told.outcome.as_str())).collect();
    assert_eq!(told, [(dead, traced("00").trace, "dead the key of the item holds something else")]);
    Ok(())
}
