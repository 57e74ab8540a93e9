//! Reads many items of one partition in one command.

use larder_protocol::item::Unreadable;
use larder_protocol::{Item, ItemId, Partition, call};

use super::redis::{Redis, RedisError, Reply};
use super::{ask, unexpected};

/// What a read of many found of one.
pub enum ManyRead {
    /// The item, or nothing.
    Found(Result<Option<Item>, Unreadable>),
    /// There was no room for it.
    NoRoom,
}

/// Reads items of the partition, of about `room` bytes in all (`read_many.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn read_many(
    redis: &impl Redis,
    p: Partition,
    ids: &[&ItemId],
    room: usize,
) -> Result<Vec<ManyRead>, RedisError> {
    let call = call::read_many(p, ids, room);
    let reply = ask(redis, &call).await?;
    if reply.len() != ids.len() {
        return Err(unexpected(&call, &reply));
    }
    let found = reply.into_iter().map(|item| match item {
        Reply::Int(-1) => ManyRead::NoRoom,
        Reply::Int(_) | Reply::Nil => ManyRead::Found(Ok(None)),
        Reply::Bytes(stored) => ManyRead::Found(Item::decode(stored).map(Some)),
    });
    Ok(found.collect())
}
