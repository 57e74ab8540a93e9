//! What the handler does in Redis: one function for each thing, each one command; and
//! [`Redis`](redis::Redis), by which it reaches it.
//!
//! This room knows items, writes and listings as they are kept, and no request. Of HTTP it knows what
//! its failures are to a client.

mod accept;
mod changes;
pub mod cluster;
mod digest;
mod failure;
mod health;
mod list;
mod lookout;
pub mod node;
mod outcome;
pub mod places;
mod rate;
mod read_many;
pub mod redis;
mod script;
mod timed;
mod wait;

use std::time::Duration;

use larder_protocol::{Call, Item, ItemId, Operation, Outcome, Partition, StreamId, Write, call, keys};

use self::node::Command;
use self::redis::{Redis, RedisError, Replicated, Reply};

pub use accept::{Acceptance, Accepted, accept, accept_as, accept_many, recall};
pub use changes::{Change, News, Op, Positions, Stretch, changes, feed, news, read_heads};
pub use digest::digest_of;
pub use failure::{ReadError, read_failed, under_replicated, write_failed};
pub use health::{format, lags, live_workers};
pub use list::{Described, Entry, Part, list};
pub use lookout::Lookout;
pub use outcome::{Progress, progress};
pub use rate::{Taken, take};
pub use read_many::{ManyRead, read_many};
pub use timed::Timed;
pub use wait::{take_outcomes, wait};

/// What a read that wants a certain state found.
pub enum ReadAfter {
    /// Everything up to the revision is applied; this is the item.
    Current(Option<Item>),
    /// A write up to the revision is not yet applied.
    Pending,
    /// The revision is above all that were ever accepted.
    Ahead,
}

/// Reads an item (`GET`). A read that got no answer is repeated once, on a new connection.
///
/// # Errors
/// [`ReadError`], after the second try.
pub async fn read(redis: &impl Redis, id: &ItemId) -> Result<Option<Item>, ReadError> {
    let key = keys::item(id);
    let p = Partition::of(id);
    let stored = match redis.get(p, &key).await {
        Err(error) if error.is_no_answer() => redis.get(p, &key).await?,
        answer => answer?,
    };
    Ok(stored.map(Item::decode).transpose()?)
}

/// Reads an item unless a write up to `revision`, of its partition, is unapplied
/// (`read_after.lua`).
///
/// # Errors
/// [`ReadError`], after the second try.
pub async fn read_after(redis: &impl Redis, id: &ItemId, revision: StreamId) -> Result<ReadAfter, ReadError> {
    let call = call::read_after(id, revision);
    let mut reply = ask(redis, &call).await?;
    match (reply.first().and_then(Reply::text), reply.len()) {
        (Some("pending"), 1) => Ok(ReadAfter::Pending),
        (Some("ahead"), 1) => Ok(ReadAfter::Ahead),
        (Some("current"), 2) => match reply.pop() {
            Some(Reply::Bytes(stored)) => Ok(ReadAfter::Current(Some(Item::decode(stored)?))),
            _ => Ok(ReadAfter::Current(None)),
        },
        // A nil that the host left out.
        (Some("current"), 1) => Ok(ReadAfter::Current(None)),
        _ => Err(unexpected(&call, &reply).into()),
    }
}

/// The outcome in the idempotency record of a write to `id`, once its write has one.
///
/// # Errors
/// [`RedisError`]; [`RedisError::UnderReplicated`] where too few replicas have it.
pub async fn remembered(redis: &impl Redis, id: &ItemId, record: &str) -> Result<Option<Outcome>, RedisError> {
    match recall(redis, id, record, "").await? {
        Some(Accepted { missing: Some(missing), .. }) => Err(missing.into()),
        Some(Accepted { acceptance: Acceptance::Repeated(_, outcome), .. }) => Ok(outcome),
        _ => Ok(None),
    }
}

/// Waits until everything that was accepted for the partition of `id` before is applied; tells
/// whether it was within `patience`. It sends a write through the channel that changes nothing.
///
/// # Errors
/// [`RedisError`]; [`RedisError::UnderReplicated`] where too few replicas have it.
pub async fn pass_barrier(
    redis: &impl Redis,
    id: &ItemId,
    max_pending: u64,
    patience: Duration,
) -> Result<bool, RedisError> {
    let barrier = Write { wait: Some(patience), ..Operation::Barrier.into() };
    let Accepted { acceptance, missing } = accept(redis, id, &barrier, max_pending).await?;
    if let Some(missing) = missing {
        return Err(missing.into());
    }
    match acceptance {
        Acceptance::Accepted { revision, ahead } => {
            Ok(wait(redis, revision, ahead, patience).await? == Some(Outcome::Passed))
        }
        _ => Ok(false),
    }
}

/// Waits until as many replicas as the operator demands have all that the Redis of this item has: what is said of the item
/// then rests on it. WAIT counts for what its own connection wrote, hence the write.
///
/// # Errors
/// [`RedisError`]; [`RedisError::UnderReplicated`] where too few replicas have it.
pub async fn confirm(redis: &impl Redis, id: &ItemId) -> Result<(), RedisError> {
    let p = Partition::of(id);
    let key = keys::confirmation(p);
    let set = Command { name: "SET", arguments: &[key.as_bytes(), b"", b"PX", b"1"] };
    redis.execute_replicated(p, set).await?.missing.map_or(Ok(()), |missing| Err(missing.into()))
}

/// Runs a script that only reads; once more where there was no answer.
async fn ask(redis: &impl Redis, call: &Call) -> Result<Vec<Reply>, RedisError> {
    match run(redis, call).await {
        Err(error) if error.is_no_answer() => run(redis, call).await,
        answer => answer,
    }
}

async fn run(redis: &impl Redis, call: &Call) -> Result<Vec<Reply>, RedisError> {
    let p = call.partition.expect("every script that is run here has keys");
    script::run(call, async |command| redis.execute(p, command).await).await
}

async fn run_replicated(redis: &impl Redis, call: &Call) -> Result<Replicated, RedisError> {
    let p = call.partition.expect("every script that is run here has keys");
    script::run(call, async |command| redis.execute_replicated(p, command).await).await
}

fn unexpected(call: &Call, reply: &[Reply]) -> RedisError {
    RedisError::Unexpected(format!("{}: {reply:?}", call.script.name))
}
