//! How the store is: who works, and how long writes wait.

use futures::future::join_all;
use larder_protocol::{Call, OtherFormat, Partition, call, format, keys};

use super::node::Command;
use super::redis::{Redis, RedisError, Reply};
use super::{ask, unexpected};

/// Counts the workers that live, by the roster that the partition keeps (`live_workers.lua`).
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn live_workers(redis: &impl Redis, p: Partition) -> Result<u64, RedisError> {
    ask_number(redis, &call::live_workers(p)).await
}

/// The age of the oldest unapplied write of each partition, in ms (`lag.lua`); the error is that of one.
pub async fn lags(redis: &impl Redis) -> Vec<(Partition, Result<u64, RedisError>)> {
    join_all(Partition::all().map(async |p| (p, ask_number(redis, &call::lag(p)).await))).await
}

/// What the data of the partition says of its format.
///
/// # Errors
/// [`RedisError`].
pub async fn format(redis: &impl Redis, p: Partition) -> Result<Result<(), OtherFormat>, RedisError> {
    let terms = keys::terms(p);
    let command = Command { name: "HGET", arguments: &[terms.as_bytes(), format::FIELD.as_bytes()] };
    let said = redis.execute(p, command).await?;
    Ok(OtherFormat::check(said.first().and_then(Reply::text)))
}

async fn ask_number(redis: &impl Redis, call: &Call) -> Result<u64, RedisError> {
    let reply = ask(redis, call).await?;
    reply.first().and_then(Reply::number).ok_or_else(|| unexpected(call, &reply))
}
