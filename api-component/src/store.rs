//! What the handler does in Redis: one function for each thing, each one command; and
//! [`Redis`](redis::Redis), by which it reaches it.
//!
//! This room knows items, writes and listings as they are kept, and no request. Of HTTP it knows what
//! its failures are to a client.

mod accept;
mod changes;
mod digest;
mod failure;
mod list;
mod lookout;
mod read_many;
pub mod redis;
mod wait;

use std::time::Duration;

use futures::future::try_join_all;
use larder_protocol::{Call, Item, ItemId, Operation, Outcome, Partition, Revision, StreamId, Write, call, keys};

use self::redis::{Redis, RedisError, Reply};

pub use accept::{Acceptance, accept, accept_many};
pub use changes::{Change, Op, Positions, Stretch, changes, feed, read_heads};
pub use failure::{ReadError, read_failed, write_failed};
pub use list::{Described, Entry, Part, list};
pub use lookout::Lookout;
pub use read_many::{ManyRead, read_many};
pub use wait::{take_outcomes, wait};

/// What can be told of a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Accepted and not yet applied.
    Pending,
    /// Applied.
    Applied,
    /// Not applied.
    Rejected(Outcome),
    /// No such write was ever accepted.
    Unknown,
    /// Too old to tell.
    Gone,
}

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
    let stored = match redis.get(&key).await {
        Err(error) if error.is_no_answer() => redis.get(&key).await?,
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

/// The outcome in an idempotency record, once its write has one.
///
/// # Errors
/// [`RedisError`].
pub async fn remembered(redis: &impl Redis, record: &str) -> Result<Option<Outcome>, RedisError> {
    let record = redis.get(record).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&record);
    // `<stream ID> <digest> <outcome>`, a line for each time that the outcome was told.
    Ok(text.lines().next().and_then(|line| line.splitn(3, ' ').nth(2)?.parse().ok()))
}

/// Waits until everything that was accepted for the partition of `id` before is applied; tells
/// whether it was within `patience`. It sends a write through the channel that changes nothing.
///
/// # Errors
/// [`RedisError`].
pub async fn pass_barrier(
    redis: &impl Redis,
    id: &ItemId,
    max_pending: u64,
    patience: Duration,
) -> Result<bool, RedisError> {
    let barrier = Write { wait: Some(patience), ..Operation::Barrier.into() };
    match accept(redis, id, &barrier, max_pending).await? {
        Acceptance::Accepted { revision, ahead } => {
            Ok(wait(redis, revision, ahead, patience).await? == Some(Outcome::Passed))
        }
        _ => Ok(false),
    }
}

/// Tells what became of a write, and the current revision of `item` where it is named; a write to
/// another item is unknown then (`outcome.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn progress(
    redis: &impl Redis,
    revision: Revision,
    item: Option<&ItemId>,
) -> Result<(Progress, Option<StreamId>), RedisError> {
    let call = call::outcome(revision, item);
    let reply = ask(redis, &call).await?;
    let texts: Vec<_> = reply.iter().map(Reply::text).collect();
    let [Some(state), Some(outcome), Some(current)] = *texts else {
        return Err(unexpected(&call, &reply));
    };
    let progress = match (state, outcome.parse()) {
        ("pending", _) => Progress::Pending,
        ("applied", _) => Progress::Applied,
        ("rejected", Ok(outcome)) => Progress::Rejected(outcome),
        ("unknown", _) => Progress::Unknown,
        ("gone", _) => Progress::Gone,
        _ => return Err(unexpected(&call, &reply)),
    };
    Ok((progress, current.parse().ok()))
}

/// Counts the workers that live (`live_workers.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn live_workers(redis: &impl Redis) -> Result<u64, RedisError> {
    ask_number(redis, &call::live_workers()).await
}

/// The age of the oldest unapplied write of all partitions, in ms (`lag.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn lag(redis: &impl Redis) -> Result<u64, RedisError> {
    let lags = Partition::all().map(async |p| ask_number(redis, &call::lag(p)).await);
    Ok(try_join_all(lags).await?.into_iter().max().unwrap_or_default())
}

async fn ask_number(redis: &impl Redis, call: &Call) -> Result<u64, RedisError> {
    let reply = ask(redis, call).await?;
    reply.first().and_then(Reply::number).ok_or_else(|| unexpected(call, &reply))
}

/// Runs a script that only reads; once more where there was no answer.
async fn ask(redis: &impl Redis, call: &Call) -> Result<Vec<Reply>, RedisError> {
    match run(redis, call).await {
        Err(error) if error.is_no_answer() => run(redis, call).await,
        answer => answer,
    }
}

/// `EVALSHA`, and `EVAL` where Redis does not have the script yet: after a restart, say.
/// `NOSCRIPT` means that nothing ran, so this repeats no write.
async fn run(redis: &impl Redis, call: &Call) -> Result<Vec<Reply>, RedisError> {
    let key_count = call.keys.len().to_string();
    let mut all = vec![call.script.sha().as_bytes(), key_count.as_bytes()];
    all.extend(call.keys.iter().map(|key| key.as_bytes()));
    all.extend(call.arguments.iter().map(Vec::as_slice));
    match redis.execute("EVALSHA", &all).await {
        Err(error) if error.is_no_script() => {
            all[0] = call.script.source.as_bytes();
            redis.execute("EVAL", &all).await
        }
        answer => answer,
    }
}

fn unexpected(call: &Call, reply: &[Reply]) -> RedisError {
    RedisError::Unexpected(format!("{}: {reply:?}", call.script.name))
}
