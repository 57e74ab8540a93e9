//! The Lua scripts, run by a real Redis.

use std::time::Duration;

use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{
    Condition, Content, Item, ItemId, Metadata, NotAdded, Operation, Outcome, Partition, Revision, Revisions, StreamId,
    Write, call, keys, limits,
};
use larder_tests::{Doorbell, RedisAlone};
use redis::{FromRedisValue, Value};

type Tested = anyhow::Result<()>;

fn put_with(value: &str, ttl: Option<Duration>) -> Write {
    let content = Content::new(Some("text/plain"), value.into()).expect("it is a media type");
    Operation::Put { content, ttl }.into()
}

fn put(value: &str) -> Write {
    put_with(value, None)
}

fn put_for(value: &str, ttl: Duration) -> Write {
    put_with(value, Some(ttl))
}

/// Accepts a write that fits, and tells its entry's ID.
async fn accepted(redis: &RedisAlone, id: &ItemId, write: Write) -> anyhow::Result<StreamId> {
    let reply = redis.accept(id, &write, 1_000).await?;
    assert_eq!(reply[0], text("accepted"), "{reply:?}");
    Ok(String::from_redis_value(reply[1].clone())?.parse()?)
}

fn text(text: &str) -> Value {
    Value::BulkString(text.into())
}

/// Commits everything; tells how much was applied and how much was buried.
async fn commit_all(redis: &RedisAlone, p: Partition) -> anyhow::Result<(u64, u64)> {
    let Committed { applied, dead, left, error, .. } = redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?;
    assert_eq!((left, error.as_str()), (0, ""));
    Ok((applied, dead))
}

async fn item(redis: &RedisAlone, id: &ItemId) -> anyhow::Result<Option<Item>> {
    let stored: Option<Vec<u8>> = redis.command(&["GET", &keys::item(id)]).await?;
    Ok(stored.map(Item::decode).transpose()?)
}

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

#[tokio::test]
async fn an_entry_that_can_never_be_applied_is_buried_and_blocks_nothing() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let stream = keys::writes(p);
    let many: Vec<String> = (0..9_000).map(|n| n.to_string()).collect();
    let long = [vec!["XADD", &stream, "*"], many.iter().map(String::as_str).collect()].concat();
    redis.command::<String>(&["XADD", &stream, "*", "hello", "world"]).await?;
    redis.command::<String>(&["XADD", &stream, "*", "op", "increment", "id", "a"]).await?;
    redis.command::<String>(&["XADD", &stream, "*", "op", "put", "id", "a", "ttl", "soon", "item", "t/p\n\nv"]).await?;
    redis.command::<String>(&["XADD", &stream, "*", "op", "put", "id", "a", "ttl", "-", "item", "no header"]).await?;
    redis.command::<String>(&["XADD", &stream, "*", "op", "put", "id", "a"]).await?;
    redis.command::<String>(&long).await?;
    accepted(&redis, &id, put("behind")).await?;

    assert_eq!(commit_all(&redis, p).await?, (1, 6));
    assert_eq!(item(&redis, &id).await?.unwrap().value, b"behind");
    let dead: Vec<(String, Vec<String>)> = redis.command(&["XRANGE", &keys::dead(p), "-", "+"]).await?;
    assert_eq!(dead.len(), 6);
    assert_eq!(dead[0].1[2..], ["reason", "the entry does not start with op and id", "hello", "world"]);
    Ok(())
}

#[tokio::test]
async fn an_error_that_is_not_the_entry_s_fault_keeps_it_at_the_head() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    redis.command::<String>(&["SET", &keys::index(p), "not a sorted set"]).await?;
    let revision = accepted(&redis, &id, put("kept")).await?;
    let Committed { applied, dead, left, error, .. } = redis.commit(p, 128, 1_000).await?;
    assert_eq!((applied, dead, left), (0, 0, 1));
    assert!(error.contains("WRONGTYPE"), "{error}");

    redis.command::<u64>(&["DEL", &keys::index(p)]).await?;
    assert_eq!(commit_all(&redis, p).await?, (1, 0));
    assert_eq!(item(&redis, &id).await?.unwrap().head.revision, revision);
    Ok(())
}

#[tokio::test]
async fn a_full_redis_refuses_new_writes_and_still_applies_accepted_ones() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accepted(&redis, &id, put("accepted")).await?;
    redis.command::<String>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    let refused = redis.accept(&id, &put("too late"), 10).await.unwrap_err();
    assert_eq!(refused.code(), Some("OOM"));
    assert_eq!(commit_all(&redis, Partition::of(&id)).await?, (1, 0));
    assert_eq!(item(&redis, &id).await?.unwrap().value, b"accepted");
    Ok(())
}

/// What the outcome of an increment is, with somebody waiting for it.
async fn incremented(redis: &RedisAlone, id: &ItemId, by: i64) -> anyhow::Result<Outcome> {
    let operation = Operation::Increment { by, ttl: None };
    let write = Write { wait: Some(Duration::from_secs(60)), ..operation.into() };
    let (p, revision) = (Partition::of(id), accepted(redis, id, write).await?);
    redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?;
    let reply: Vec<String> = redis.run(&call::take_outcomes(p, [revision])).await?;
    Ok(reply[0].parse()?)
}

#[tokio::test]
async fn integers_are_added_to_exactly_and_only_integers_are() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    assert_eq!(incremented(&redis, &id, 5).await?, Outcome::Incremented(5));
    // Beyond 2^53, where a number of Lua skips some.
    assert_eq!(incremented(&redis, &id, i64::MAX - 6).await?, Outcome::Incremented(i64::MAX - 1));
    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::Incremented(i64::MAX));
    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::NotAdded(NotAdded::Overflow));
    assert_eq!(incremented(&redis, &id, i64::MIN).await?, Outcome::Incremented(-1));
    assert_eq!(item(&redis, &id).await?.unwrap().value, b"-1");
    let long = format!("1{}", "0".repeat(10_000));
    for value in ["", "+1", " 1", "1 ", "1\n", "01", "-0", "1.0", "1e3", "0x1", "9223372036854775808", "one", &long] {
        let text = put_with(value, None);
        accepted(&redis, &id, text).await?;
        assert_eq!(incremented(&redis, &id, 1).await?, Outcome::NotAdded(NotAdded::NoInteger), "{value:?}");
        assert_eq!(item(&redis, &id).await?.unwrap().value, value.as_bytes());
    }
    let left: Vec<String> = redis.command(&["KEYS", "*:scratch"]).await?;
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn an_increment_changes_the_value_and_nothing_else() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    // The largest header block that there is, and the longest integer.
    let names = ('a'..='z').map(String::from).chain((0..682).map(|n| format!("{n:03}")).take(674));
    let texts: Vec<_> = names.map(|name| (name, "")).collect();
    let metadata = Metadata::new(texts.iter().map(|(name, text)| (name.as_str(), *text)))?;
    let content_type = format!("text/plain; charset={}", "x".repeat(limits::MAX_CONTENT_TYPE_BYTES - 20));
    let content = Content::new(Some(&content_type), i64::MIN.to_string().into())?.with_metadata(metadata.clone());
    let hour = Duration::from_secs(3_600);
    let put = accepted(&redis, &id, Operation::Put { content, ttl: Some(hour) }.into()).await?;
    commit_all(&redis, p).await?;

    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::Incremented(i64::MIN + 1));
    let after = item(&redis, &id).await?.unwrap();
    assert_eq!((after.head.content_type, after.head.metadata), (content_type, metadata));
    assert_eq!(after.head.expires_at_ms, Some(put.ms + 3_600_000));
    let key = keys::item(&id);
    assert_eq!(redis.command::<u64>(&["PEXPIRETIME", &key]).await?, put.ms + 3_600_000);
    let ends: Vec<u64> = redis.command(&["ZMSCORE", &keys::expiry(p), id.as_str()]).await?;
    assert_eq!(ends, [put.ms + 3_600_000]);

    let longer = accepted(&redis, &id, Operation::Increment { by: 0, ttl: Some(2 * hour) }.into()).await?;
    commit_all(&redis, p).await?;
    assert_eq!(redis.command::<u64>(&["PEXPIRETIME", &key]).await?, longer.ms + 7_200_000);
    Ok(())
}

/// An entry that is still at the head although it was applied is not applied again.
#[tokio::test]
async fn an_increment_that_is_tried_again_adds_nothing() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accepted(&redis, &id, Operation::Increment { by: 5, ttl: None }.into()).await?;
    let commit = call::commit(Partition::of(&id), 10, 1_000, limits::DEFAULT_CHANGES_KEPT);
    let forgetful = commit.script.source.replace("if #done > 0 then call('XDEL'", "if false then call('XDEL'");
    for _ in 0..3 {
        let Committed { applied, left, .. } = redis.run_source::<CommitReply>(&forgetful, &commit).await?.into();
        assert_eq!((applied, left), (1, 1));
        assert_eq!(item(&redis, &id).await?.unwrap().value, b"5");
    }
    Ok(())
}

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

    redis.command::<String>(&["SET", &keys::rejected(revision), &format!("rejected 5-0\n{item_id}")]).await?;
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

#[tokio::test]
async fn one_write_that_fails_among_many_leaves_the_others() -> Tested {
    let redis = RedisAlone::start().await?;
    let p = Partition::of(&ItemId::new("a")?);
    let mut ids = (0..).filter_map(|n| ItemId::new(format!("item {n}")).ok()).filter(|id| Partition::of(id) == p);
    let [strange, first, second] = std::array::from_fn(|_| ids.next().expect("there are always more"));
    redis.command::<u64>(&["RPUSH", &keys::item(&strange), "not an item"]).await?;
    let conditional = |value| {
        let condition = Condition { if_none_match: Some(Revisions::Any), ..Condition::default() };
        Write { condition, ..put(value) }
    };
    let writes = [(&strange, conditional("x")), (&first, put("1")), (&second, put("2")), (&first, put("3"))];
    let each = writes.iter().map(|(id, write)| (*id, write, ""));
    let reply: Vec<Value> = redis.run(&call::accept_many(p, each, 3, true)).await?;
    let told: Vec<_> =
        reply.chunks(3).map(|reply| String::from_redis_value(reply[0].clone())).collect::<Result<_, _>>()?;
    assert_eq!(told, ["failed", "accepted", "accepted", "accepted"], "{reply:?}");
    let full: Vec<Value> = redis.run(&call::accept_many(p, [(&first, &put("4"), "")], 3, true)).await?;
    assert_eq!(full, [text("full"), Value::Int(3), text("")]);
    assert_eq!(commit_all(&redis, p).await?, (3, 0));
    assert_eq!(item(&redis, &first).await?.unwrap().value, b"3", "in their order");
    Ok(())
}
