//! Tells what became of a write.

use larder_protocol::{ItemId, Outcome, Revision, StreamId, call};

use super::redis::{Redis, RedisError, Reply};
use super::{ask, unexpected};

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
