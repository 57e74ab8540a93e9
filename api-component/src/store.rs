//! What the handler does in Redis: one function for each thing, each one command.

use futures::future::try_join_all;
use larder_protocol::item::MalformedItem;
use larder_protocol::{Item, ItemId, Partition, Revision, Script, Write, keys, limits, scripts};

use crate::redis::{Redis, RedisError, Reply};

/// Why an item could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Redis could not be asked.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The key holds something that Larder did not write.
    #[error(transparent)]
    Malformed(#[from] MalformedItem),
}

/// What the accept script said.
pub enum Acceptance {
    /// The write is on the channel, durably.
    Accepted(Revision),
    /// The partition holds as many unapplied writes as it may.
    Full {
        /// How many there are.
        pending: u64,
    },
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted and not yet applied.
    Pending,
    /// Applied.
    Applied,
    /// Not applied, for this reason.
    Rejected(String),
    /// No such write was ever accepted.
    Unknown,
    /// Too old to tell.
    Gone,
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

/// Puts a write on the channel of its partition (`accept.lua`). Never repeated here: a write
/// that got no answer may have been accepted.
///
/// # Errors
/// [`RedisError`]; only [`RedisError::Lost`] leaves open whether the write was accepted.
pub async fn accept(redis: &impl Redis, id: &ItemId, write: Write, max_pending: u64) -> Result<Acceptance, RedisError> {
    let partition = Partition::of(id);
    let (max_pending, message) = (max_pending.to_string(), partition.to_string());
    let fields = write.into_fields(id);
    let mut arguments = vec![max_pending.as_bytes(), keys::DOORBELL.as_bytes(), message.as_bytes()];
    arguments.extend(fields.iter().map(Vec::as_slice));
    let reply = run(redis, &scripts::ACCEPT, &[&keys::writes(partition)], &arguments).await?;
    match reply.as_slice() {
        [state, entry] if state.text() == Some("accepted") => {
            let id = entry.text().and_then(|id| id.parse().ok()).ok_or_else(|| unexpected(&scripts::ACCEPT, &reply))?;
            Ok(Acceptance::Accepted(Revision { partition, id }))
        }
        [state, pending] if state.text() == Some("full") => {
            Ok(Acceptance::Full { pending: pending.number().unwrap_or_default() })
        }
        _ => Err(unexpected(&scripts::ACCEPT, &reply)),
    }
}

/// Tells what became of a write (`outcome.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn outcome(redis: &impl Redis, revision: Revision) -> Result<Outcome, RedisError> {
    let Revision { partition, id } = revision;
    let rejected = format!("{}{id}", keys::rejected_prefix(partition));
    let arguments = [id.ms.to_string(), id.seq.to_string(), limits::OUTCOME_KEPT.as_millis().to_string()];
    let arguments = arguments.each_ref().map(|a| a.as_bytes());
    let reply = ask(redis, &scripts::OUTCOME, &[&keys::writes(partition), &rejected], &arguments).await?;
    match (reply.first().and_then(Reply::text), reply.get(1).and_then(Reply::text)) {
        (Some("pending"), _) => Ok(Outcome::Pending),
        (Some("applied"), _) => Ok(Outcome::Applied),
        (Some("rejected"), Some(reason)) => Ok(Outcome::Rejected(reason.to_owned())),
        (Some("unknown"), _) => Ok(Outcome::Unknown),
        (Some("gone"), _) => Ok(Outcome::Gone),
        _ => Err(unexpected(&scripts::OUTCOME, &reply)),
    }
}

/// Counts the workers that live (`live_workers.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn live_workers(redis: &impl Redis) -> Result<u64, RedisError> {
    let expiry = limits::HEARTBEAT_EXPIRY.as_millis().to_string();
    ask_number(redis, &scripts::LIVE_WORKERS, keys::WORKERS, &[expiry.as_bytes()]).await
}

/// The age of the oldest unapplied write of all partitions, in ms (`lag.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn lag(redis: &impl Redis) -> Result<u64, RedisError> {
    let lags = Partition::all().map(async |p| ask_number(redis, &scripts::LAG, &keys::writes(p), &[]).await);
    Ok(try_join_all(lags).await?.into_iter().max().unwrap_or_default())
}

async fn ask_number(redis: &impl Redis, script: &Script, key: &str, arguments: &[&[u8]]) -> Result<u64, RedisError> {
    let reply = ask(redis, script, &[key], arguments).await?;
    reply.first().and_then(Reply::number).ok_or_else(|| unexpected(script, &reply))
}

/// Runs a script that only reads; once more where there was no answer.
async fn ask(
    redis: &impl Redis,
    script: &Script,
    keys: &[&str],
    arguments: &[&[u8]],
) -> Result<Vec<Reply>, RedisError> {
    match run(redis, script, keys, arguments).await {
        Err(error) if error.is_no_answer() => run(redis, script, keys, arguments).await,
        answer => answer,
    }
}

/// `EVALSHA`, and `EVAL` where Redis does not have the script yet: after a restart, say.
/// `NOSCRIPT` means that nothing ran, so this repeats no write.
async fn run(
    redis: &impl Redis,
    script: &Script,
    keys: &[&str],
    arguments: &[&[u8]],
) -> Result<Vec<Reply>, RedisError> {
    let key_count = keys.len().to_string();
    let mut all = vec![script.sha().as_bytes(), key_count.as_bytes()];
    all.extend(keys.iter().map(|key| key.as_bytes()));
    all.extend(arguments);
    match redis.execute("EVALSHA", &all).await {
        Err(error) if error.is_no_script() => {
            all[0] = script.source.as_bytes();
            redis.execute("EVAL", &all).await
        }
        answer => answer,
    }
}

fn unexpected(script: &Script, reply: &[Reply]) -> RedisError {
    RedisError::Unexpected(format!("{}.lua: {reply:?}", script.name))
}
