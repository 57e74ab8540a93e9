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
use super::redis::{Redis, RedisError, Reply};
use super::{confirm, run, unexpected};

/// Waits until a write that was accepted with [`Write::wait`](larder_protocol::Write), behind
/// `ahead` unapplied ones, is taken off the channel, for `patience` at most; `None` if it was not.
///
/// # Errors
/// [`RedisError`]; the write goes its way nevertheless.
pub async fn wait(
    redis: &impl Redis,
    revision: Revision,
    ahead: u64,
    patience: Duration,
) -> Result<Option<Outcome>, RedisError> {
    let (key, deadline) = (keys::outcome(revision), Instant::now() + patience);
    let outcome = arrival(redis, revision.partition, &key, ahead, deadline).await?;
    if outcome.is_some() {
        confirm(redis, revision.partition).await?;
    }
    Ok(outcome)
}

/// Whatever fails is tried again until the deadline: the write is on its way all the same.
async fn arrival(
    redis: &impl Redis,
    p: Partition,
    key: &str,
    ahead: u64,
    deadline: Instant,
) -> Result<Option<Outcome>, RedisError> {
    if ahead >= MAX_BLOCKED_PER_PARTITION {
        return look(redis, p, key, ahead, deadline).await;
    }
    let left = || deadline.saturating_duration_since(Instant::now());
    loop {
        // BLPOP for no time blocks for ever.
        let block_for = left().max(LOOK_ONCE);
        let seconds = block_for.as_secs_f64().to_string();
        let block = Command { name: "BLPOP", arguments: &[key.as_bytes(), seconds.as_bytes()] };
        let failed = match redis.execute_blocking(p, block, block_for).await {
            Ok(reply) => match outcome(key, &reply)? {
                // Redis stops waiting by a clock that may step.
                None if left() > BLOCK_AGAIN => continue,
                found => return Ok(found),
            },
            Err(error) => error,
        };
        // There is no connection to block, or it broke; looking needs none of its own.
        if let Some(outcome) = look(redis, p, key, ahead, deadline).await? {
            return Ok(Some(outcome));
        }
        // Where it is not possible to look, there may be a connection in a while.
        if left() <= BLOCK_AGAIN {
            return Err(failed);
        }
        redis.sleep(BLOCK_AGAIN).await;
    }
}

/// The pause before a request whose connection broke blocks again.
const BLOCK_AGAIN: Duration = Duration::from_millis(50);

/// The shortest time for which one blocks.
const LOOK_ONCE: Duration = Duration::from_millis(1);

/// Looks for the outcome (`LPOP`) when those ahead may be done, then again after pauses that double.
async fn look(
    redis: &impl Redis,
    p: Partition,
    key: &str,
    ahead: u64,
    deadline: Instant,
) -> Result<Option<Outcome>, RedisError> {
    let take = Command { name: "LPOP", arguments: &[key.as_bytes()] };
    let first = COMMIT_TIME * u32::try_from(ahead.max(MAX_BLOCKED_PER_PARTITION)).unwrap_or(u32::MAX);
    let mut found = Ok(None);
    for pause in successors(Some(first), |pause| Some(*pause * 2)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !redis.pause(pause.min(MAX_LOOK_PAUSE).min(left)).await {
            break;
        }
        found = redis.execute(p, take).await.and_then(|reply| outcome(key, &reply));
        if matches!(found, Ok(Some(_))) {
            break;
        }
    }
    found
}

/// The outcome is the last that `BLPOP` (the key, then the element) and `LPOP` answer.
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
    let reply = run(redis, &call).await?;
    if reply.len() != writes.len() {
        return Err(unexpected(&call, &reply));
    }
    confirm(redis, partition).await?;
    // No outcome yet is no text, which is no outcome.
    Ok(reply.iter().map(|told| told.text()?.parse().ok()).collect())
}
