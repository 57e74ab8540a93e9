//! Puts writes on the channel of their partition. Never repeated here: a write that got no answer
//! may have been accepted.

use larder_protocol::{Call, ItemId, Outcome, Partition, Revision, StreamId, Write, call};

use super::redis::{Redis, RedisError, Replicated, Reply, UnderReplicated};
use super::{digest, run_replicated, unexpected};

/// What the accept script said, and what replicas have of it.
pub struct Accepted {
    /// What it said.
    pub acceptance: Acceptance,
    /// Why too few replicas have it; `None`: enough do.
    pub missing: Option<UnderReplicated>,
}

/// What the accept script said.
pub enum Acceptance {
    /// The write is on the channel, durably.
    Accepted {
        /// Which write it is.
        revision: Revision,
        /// How many unapplied writes are before it.
        ahead: u64,
    },
    /// An earlier request with the same idempotency key made this write.
    Repeated(Revision, Option<Outcome>),
    /// An earlier request with the same idempotency key asked for something else.
    Reused,
    /// The condition certainly does not hold.
    Rejected {
        /// The item's state, if it exists.
        current: Option<StreamId>,
    },
    /// The partition holds as many unapplied writes as it may.
    Full {
        /// How many there are.
        pending: u64,
    },
}

/// Puts one write on the channel (`accept.lua`).
///
/// # Errors
/// [`RedisError`]; only [`RedisError::Lost`] leaves open whether the write was accepted.
pub async fn accept(redis: &impl Redis, id: &ItemId, write: &Write, max_pending: u64) -> Result<Accepted, RedisError> {
    accept_as(redis, id, write, &digest(id, write), max_pending).await
}

/// The same for a write that is not all of its request, which has this digest.
///
/// # Errors
/// As for [`accept`].
pub async fn accept_as(
    redis: &impl Redis,
    id: &ItemId,
    write: &Write,
    digest: &str,
    max_pending: u64,
) -> Result<Accepted, RedisError> {
    let p = Partition::of(id);
    let call = call::accept(id, write, digest, max_pending, judged_early(redis));
    match run_replicated(redis, &call).await {
        Ok(Replicated { replies, missing }) => Ok(Accepted { acceptance: acceptance(p, &call, &replies)?, missing }),
        Err(refusal @ RedisError::Refused { .. }) => recalled(redis, id, write, digest).await.ok_or(refusal),
        Err(error) => Err(error),
    }
}

/// What accepting a write to `id` would answer, had it this idempotency record and digest and were it sent before; `None`
/// where it was not (`recall.lua`). It makes no record.
///
/// # Errors
/// [`RedisError`].
pub async fn recall(
    redis: &impl Redis,
    id: &ItemId,
    record: &str,
    digest: &str,
) -> Result<Option<Accepted>, RedisError> {
    let (p, call) = (Partition::of(id), call::recall(id, record, digest));
    let Replicated { replies, missing } = run_replicated(redis, &call).await?;
    if replies.first().and_then(Reply::text) == Some("absent") {
        return Ok(None);
    }
    Ok(Some(Accepted { acceptance: acceptance(p, &call, &replies)?, missing }))
}

/// The same for a write that Redis refuses now, for want of memory say: that is no reason to be silent about what its
/// request did before.
async fn recalled(redis: &impl Redis, id: &ItemId, write: &Write, digest: &str) -> Option<Accepted> {
    recall(redis, id, write.idempotency.as_ref()?, digest).await.ok()?
}

/// Puts writes to items of one partition on its channel, in order, each on its own
/// (`accept_many.lua`). An error inside is that of one write, which was not accepted.
///
/// # Errors
/// [`RedisError`], for all of them; as for [`accept`].
pub async fn accept_many(
    redis: &impl Redis,
    partition: Partition,
    writes: &[&(ItemId, Write)],
    max_pending: u64,
) -> Result<Vec<Result<Accepted, RedisError>>, RedisError> {
    let digests: Vec<_> = writes.iter().map(|(id, write)| digest(id, write)).collect();
    let digested = writes.iter().zip(&digests).map(|((id, write), digest)| (id, write, digest.as_str()));
    let call = call::accept_many(partition, digested, max_pending, judged_early(redis));
    let Replicated { replies: reply, missing } = match run_replicated(redis, &call).await {
        Err(refusal @ RedisError::Refused { .. }) => {
            let mut each = Vec::new();
            for ((id, write), digest) in writes.iter().zip(&digests) {
                each.push(recalled(redis, id, write, digest).await.ok_or_else(|| refusal.clone()));
            }
            return Ok(each);
        }
        reply => reply?,
    };
    if reply.len() != 3 * writes.len() {
        return Err(unexpected(&call, &reply));
    }
    let each = reply.chunks(3).map(|reply| match (reply[0].text(), reply[1].text()) {
        (Some("failed"), Some(error)) => Err(RedisError::from_script(error)),
        _ => Ok(Accepted { acceptance: acceptance(partition, &call, reply)?, missing: missing.clone() }),
    });
    Ok(each.collect())
}

/// A refusal rests on what this primary has. Where only what replicas have counts, a condition is judged when
/// the write's turn comes: what comes before it on the channel is on the replicas too.
fn judged_early(redis: &impl Redis) -> bool {
    !redis.is_replicated()
}

fn digest(id: &ItemId, write: &Write) -> String {
    write.idempotency.as_ref().map(|_| digest::digest(write, id)).unwrap_or_default()
}

fn acceptance(partition: Partition, call: &Call, reply: &[Reply]) -> Result<Acceptance, RedisError> {
    let texts: Vec<_> = reply.iter().map(Reply::text).collect();
    let understood = match texts.as_slice() {
        [Some("accepted"), Some(id), _] => (id.parse().ok().zip(reply[2].number()))
            .map(|(id, ahead)| Acceptance::Accepted { revision: Revision { partition, id }, ahead }),
        [Some("repeated"), Some(id), Some(outcome)] => id.parse().ok().map(|id| {
            // No outcome yet is no text, which is no outcome.
            Acceptance::Repeated(Revision { partition, id }, outcome.parse().ok())
        }),
        [Some("reused"), ..] => Some(Acceptance::Reused),
        [Some("rejected"), Some(current), ..] => Some(Acceptance::Rejected { current: current.parse().ok() }),
        [Some("full"), ..] => reply[1].number().map(|pending| Acceptance::Full { pending }),
        _ => None,
    };
    understood.ok_or_else(|| unexpected(call, reply))
}
