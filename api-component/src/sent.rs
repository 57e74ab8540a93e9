//! A write that the accept script has judged: whether it is on the channel, and how it ends.

use std::time::Duration;

use http::StatusCode;
use larder_protocol::{ItemId, Outcome, Partition, Revision, Write};

use crate::config::Config;
use crate::problem::Problem;
use crate::redis::{Redis, RedisError};
use crate::store::{self, Acceptance};

/// A write that is on the channel, or has been.
pub struct Sent {
    /// Which write it is.
    pub revision: Revision,
    /// What became of it, where that is known.
    pub outcome: Option<Outcome>,
    /// Who sent it.
    pub by: Sender,
}

/// Who put a write on the channel.
pub enum Sender {
    /// This request, behind so many unapplied ones.
    Us {
        /// How many.
        ahead: u64,
    },
    /// An earlier request with the same idempotency key.
    Earlier,
}

impl Sent {
    /// What the accept script said of a write to the item `id`.
    pub fn of(acceptance: Acceptance, id: &ItemId) -> Result<Self, Problem> {
        match acceptance {
            Acceptance::Accepted { revision, ahead } => Ok(Self { revision, outcome: None, by: Sender::Us { ahead } }),
            Acceptance::Repeated(revision, outcome) => Ok(Self { revision, outcome, by: Sender::Earlier }),
            Acceptance::Reused => Err(Problem::IdempotencyKeyReused),
            Acceptance::Rejected { current } => {
                let partition = Partition::of(id);
                Err(Problem::PreconditionFailed(current.map(|id| Revision { partition, id })))
            }
            Acceptance::Full { pending } => Err(Problem::Overloaded(pending)),
        }
    }

    /// Waits for the outcome, for `patience` at most.
    pub async fn wait(&mut self, write: &Write, patience: Duration, id: &ItemId, config: &Config, redis: &impl Redis) {
        if self.outcome.is_some() {
            return;
        }
        let outcome = match self.by {
            Sender::Us { ahead } => store::wait(redis, self.revision, ahead, patience).await,
            Sender::Earlier => remembered(write, patience, id, config, redis).await,
        };
        self.outcome = outcome.unwrap_or_else(|error| {
            // It is accepted all the same; only its outcome is not known yet.
            eprintln!("waiting for the write {}: {error}", self.revision);
            None
        });
    }
}

/// The earlier request of a repeated one may not have asked for its outcome to be told; then it is
/// in the record once everything accepted before now is applied.
async fn remembered(
    write: &Write,
    patience: Duration,
    id: &ItemId,
    config: &Config,
    redis: &impl Redis,
) -> Result<Option<Outcome>, RedisError> {
    store::pass_barrier(redis, id, config.max_pending, patience).await?;
    match &write.idempotency {
        Some(record) => store::remembered(redis, record).await,
        None => Ok(None),
    }
}

/// The status of an answer that tells the outcome: 201, 204, or why it was not done.
pub fn status(revision: Revision, outcome: &Outcome) -> Result<StatusCode, Problem> {
    match outcome {
        Outcome::Created => Ok(StatusCode::CREATED),
        Outcome::Replaced | Outcome::Deleted | Outcome::Absent | Outcome::Passed => Ok(StatusCode::NO_CONTENT),
        Outcome::Rejected { current } => {
            Err(Problem::PreconditionFailed(current.map(|id| Revision { id, ..revision })))
        }
        Outcome::Dead(reason) => Err(Problem::NotApplied(reason.clone())),
    }
}
