//! The Lua scripts, run by a real Redis.

mod channel;
mod clocks;
mod formats;
mod increments;
mod inside;
mod large;
mod outcomes;
mod trouble;
mod ttl;
mod workers;

use std::time::Duration;

use larder_protocol::call::Committed;
use larder_protocol::{Content, Item, ItemId, Operation, Partition, StreamId, Write, keys, limits};
use larder_tests::RedisAlone;
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
