//! Entries and calls that fail.

use larder_protocol::call::Committed;
use larder_protocol::{Condition, ItemId, Partition, Revisions, Write, call, keys};
use larder_tests::RedisAlone;
use redis::{FromRedisValue, Value};

use crate::{Tested, accepted, commit_all, item, put, text};

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
