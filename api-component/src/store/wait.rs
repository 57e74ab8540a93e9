//! Waits for the outcome of a write, which the commit script leaves on a list of the write's own.
//!
//! Blocking there is the quickest way, and takes a connection to Redis for as long as it lasts. So
//! it is for those who are near the head of their channel: who blocks has an entry in it, and who
//! finds too many entries there does not block. That bounds the blocked connections of the whole
//! store, also while no worker commits, and nobody has to count them. Who is further behind looks
//! now and then, over the connection that all requests share, with pauses that grow.

use std::iter::successors;
use std::time::{Duration, Instant};

use larder_protocol::limits::{COMMIT_TIME, MAX_BLOCKED_PER_PARTITION, MAX_LOOK_PAUSE};
use larder_protocol::{Outcome, Partition, Revision, StreamId, call, keys};

use super::node::Command;
use super::redis::{Redis, RedisError, Replicated, Reply};
use super::{run_replicated, unexpected};

/// Waits until a write that was accepted with [`Write::wait`](larder_protocol::Write), behind
/// `ahead` unapplied ones, is taken off the channel, for `patience` at most; `None` if it was not. Whatever fails is tried
/// again until then: the write is on its way all the same.
///
/// # Errors
/// [`RedisError`], of the last try.
pub async fn wait(
    redis: &impl Redis,
    revision: Revision,
    ahead: u64,
    patience: Duration,
) -> Result<Option<Outcome>, RedisError> {
    let (p, key, deadline) = (revision.partition, keys::outcome(revision), Instant::now() + patience);
    let left = || deadline.saturating_duration_since(Instant::now());
    if ahead >= MAX_BLOCKED_PER_PARTITION {
        return look(redis, p, &key, ahead, deadline).await;
    }
    loop {
        // Blocking for no time would be for ever.
        let block_for = left().max(LOOK_ONCE);
        let mut found = block(redis, p, &key, block_for).await;
        if found.is_err() {
            // There is no connection to block, or it broke; looking needs none of its own. Where it is not possible to
            // look, there may be a connection in a while.
            found = look(redis, p, &key, ahead, deadline).await.and_then(|outcome| outcome.map(Some).map_or(found, Ok));
        }
        // Redis stops blocking by a clock that may step.
        if matches!(found, Ok(Some(_))) || left() <= BLOCK_AGAIN {
            return found;
        }
        if found.is_err() {
            redis.sleep(BLOCK_AGAIN).await;
        }
    }
}

/// The pause before a request whose connection broke blocks again.
const BLOCK_AGAIN: Duration = Duration::from_millis(50);

/// The shortest time for which one blocks.
const LOOK_ONCE: Duration = Duration::from_millis(1);

/// Blocks until the outcome is there, and takes it.
async fn block(redis: &impl Redis, p: Partition, key: &str, time: Duration) -> Result<Option<Outcome>, RedisError> {
    let (key_, seconds) = (key.as_bytes(), time.as_secs_f64().to_string());
    let arguments: [&[u8]; 5] = [key_, key_, b"LEFT", b"LEFT", seconds.as_bytes()];
    if redis.is_replicated() {
        let block = Command { name: "BLMOVE", arguments: &arguments };
        return match outcome(key, &redis.execute_blocking(p, block, time).await?)? {
            Some(_) => take(redis, p, key).await,
            None => Ok(None),
        };
    }
    let block = Command { name: "BLPOP", arguments: &[key_, seconds.as_bytes()] };
    outcome(key, &redis.execute_blocking(p, block, time).await?)
}

/// Takes the outcome, if it is there. Where only what replicas have counts, it stays until they have it, and with it the
/// commit that told it: a primary that has not may commit at another time, and to another outcome. So the one that is told
/// comes from the Redis for which they answer.
async fn take(redis: &impl Redis, p: Partition, key: &str) -> Result<Option<Outcome>, RedisError> {
    let key_ = key.as_bytes();
    let arguments: [&[u8]; 4] = [key_, key_, b"LEFT", b"LEFT"];
    let (name, arguments) = if redis.is_replicated() { ("LMOVE", &arguments[..]) } else { ("LPOP", &arguments[..1]) };
    let taken = redis.execute_replicated(p, Command { name, arguments }).await?;
    let found = outcome(key, &taken.replies)?;
    match taken.missing {
        Some(missing) if found.is_some() => Err(missing.into()),
        _ => Ok(found),
    }
}

/// Looks for the outcome when those ahead may be done, then again after pauses that double.
async fn look(
    redis: &impl Redis,
    p: Partition,
    key: &str,
    ahead: u64,
    deadline: Instant,
) -> Result<Option<Outcome>, RedisError> {
    let first = COMMIT_TIME * u32::try_from(ahead.max(MAX_BLOCKED_PER_PARTITION)).unwrap_or(u32::MAX);
    let mut found = Ok(None);
    for pause in successors(Some(first), |pause| Some(*pause * 2)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !redis.pause(pause.min(MAX_LOOK_PAUSE).min(left)).await {
            break;
        }
        found = take(redis, p, key).await;
        if matches!(found, Ok(Some(_))) {
            break;
        }
    }
    found
}

/// The outcome is the last that these commands answer: `BLPOP` the key, then the element, the others the element alone.
fn outcome(key: &str, reply: &[Reply]) -> Result<Option<Outcome>, RedisError> {
    let text = reply.last().and_then(Reply::text);
    let told = text.map(str::parse).transpose();
    told.map_err(|error| RedisError::Unexpected(format!("{key}: {error}")))
}

/// The outcomes of writes of a partition that were accepted with
/// [`Write::wait`](larder_protocol::Write), as far as they are there (`take_outcomes.lua`).
///
/// # Errors
/// [`RedisError`].
pub async fn take_outcomes(
    redis: &impl Redis,
    partition: Partition,
    writes: &[StreamId],
) -> Result<Vec<Option<Outcome>>, RedisError> {
    if writes.is_empty() {
        return Ok(vec![]);
    }
    let call = call::take_outcomes(partition, writes.iter().copied());
    let Replicated { replies: reply, missing } = run_replicated(redis, &call).await?;
    if reply.len() != writes.len() {
        return Err(unexpected(&call, &reply));
    }
    if let Some(missing) = missing {
        return Err(missing.into());
    }
    // No outcome yet is no text, which is no outcome.
    Ok(reply.iter().map(|told| told.text()?.parse().ok()).collect())
}
