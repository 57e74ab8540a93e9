//! A write that the accept script has judged: whether it is on the channel, and how it ends.

use std::time::Duration;

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use larder_protocol::{ItemId, NotAdded, Outcome, Partition, Revision};

use super::{PreconditionFailed, outcome};
use crate::context::Context;
use crate::store::redis::{Redis, RedisError, UnderReplicated};
use crate::store::{self, Acceptance, Accepted};
use crate::web::header;
use crate::web::log::Level;
use crate::web::problem::{Kind, Problem};

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

/// Why a write is not on the channel, or must not be acknowledged though it is.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Its condition certainly does not hold.
    #[error(transparent)]
    PreconditionFailed(#[from] PreconditionFailed),
    /// An earlier request with its idempotency key asked for something else.
    #[error("This Idempotency-Key was used for another request to this item. Nothing was written.")]
    IdempotencyKeyReused,
    /// There is no room.
    #[error("The partition of this item has {0} writes that wait to be applied. Nothing was written; try again later.")]
    Overloaded(u64),
    /// It is there, and too few replicas have it.
    #[error(transparent)]
    UnderReplicated(Problem),
}

/// Why a write that was on the channel changed nothing.
///
/// That an item holds no integer is a conflict with its state (RFC 9110 §15.5.10); a sum that is too
/// large is one whatever the client does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// Its condition did not hold.
    #[error(transparent)]
    PreconditionFailed(#[from] PreconditionFailed),
    /// The item is none to add to.
    #[error("The item does not hold an integer of 64 bits in decimal; nothing was added.")]
    NoInteger,
    /// The sum would be too large or too small.
    #[error("The sum would not be an integer of 64 bits; nothing was added.")]
    Overflow,
    /// It never can be applied.
    #[error("The write was accepted, but can never be applied: {0}. It is kept for the operator to see.")]
    Dead(String),
}

impl From<NotSent> for Problem {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::PreconditionFailed(error) => error.into(),
            NotSent::IdempotencyKeyReused => Self::new(Kind::IdempotencyKeyReused, error),
            NotSent::Overloaded(_) => Self::new(Kind::Overloaded, error),
            NotSent::UnderReplicated(problem) => problem,
        }
    }
}

impl From<NotApplied> for Problem {
    fn from(error: NotApplied) -> Self {
        match error {
            NotApplied::PreconditionFailed(error) => error.into(),
            NotApplied::NoInteger => Self::new(Kind::NoInteger, error),
            NotApplied::Overflow => Self::new(Kind::Overflow, error),
            NotApplied::Dead(_) => Self::new(Kind::NotApplied, error),
        }
    }
}

impl Sent {
    /// What the accept script said of a write to the item `id`.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn of(Accepted { acceptance, missing }: Accepted, id: &ItemId) -> Result<Self, NotSent> {
        let sent = match acceptance {
            Acceptance::Accepted { revision, ahead } => Self { revision, outcome: None, by: Sender::Us { ahead } },
            Acceptance::Repeated(revision, outcome) => Self { revision, outcome, by: Sender::Earlier },
            Acceptance::Reused => return Err(NotSent::IdempotencyKeyReused),
            Acceptance::Rejected { current } => {
                let partition = Partition::of(id);
                return Err(PreconditionFailed(current.map(|id| Revision { partition, id })).into());
            }
            Acceptance::Full { pending } => return Err(NotSent::Overloaded(pending)),
        };
        match missing {
            Some(missing) => Err(NotSent::UnderReplicated(under_replicated(sent.revision, &missing, id))),
            None => Ok(sent),
        }
    }

    /// Waits for the outcome, for `patience` at most; `record` is the idempotency record of the write.
    pub async fn wait(
        &mut self,
        record: Option<&str>,
        patience: Duration,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
    ) {
        if self.outcome.is_some() {
            return;
        }
        let outcome = match self.by {
            Sender::Us { ahead } => store::wait(context.redis, self.revision, ahead, patience).await,
            Sender::Earlier => remembered(record, patience, id, context).await,
        };
        self.outcome = outcome.unwrap_or_else(|error| {
            // It is accepted all the same; only its outcome is not known yet.
            let fields = [("revision", self.revision.to_string().into()), ("error", error.to_string().into())];
            context.log.line(Level::Warn, "cannot wait for a write; it is accepted", fields);
            None
        });
    }
}

/// The problem of a write that is accepted, with where to hear of it.
fn under_replicated(revision: Revision, missing: &UnderReplicated, id: &ItemId) -> Problem {
    let location = outcome::path(revision, id);
    let problem = store::under_replicated(missing, &location);
    let headers = [(LOCATION, location), (header::REVISION, revision.to_string())];
    headers.into_iter().fold(problem, |problem, (name, value)| {
        let value = HeaderValue::try_from(value).expect("revisions and encoded ids are ASCII");
        problem.with_header(name, value)
    })
}

/// The earlier request of a repeated one may not have asked for its outcome to be told; then it is
/// in the record once everything accepted before now is applied.
async fn remembered(
    record: Option<&str>,
    patience: Duration,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Option<Outcome>, RedisError> {
    store::pass_barrier(context.redis, id, context.config.max_pending, patience).await?;
    match record {
        Some(record) => store::remembered(context.redis, id, record).await,
        None => Ok(None),
    }
}

/// The status of an answer that tells the outcome: 200, 201, 204, or why it was not done.
///
/// # Errors
/// [`NotApplied`].
pub fn status(revision: Revision, outcome: &Outcome) -> Result<StatusCode, NotApplied> {
    match outcome {
        Outcome::Created => Ok(StatusCode::CREATED),
        Outcome::Incremented(_) => Ok(StatusCode::OK),
        Outcome::Replaced | Outcome::Deleted | Outcome::Absent | Outcome::Passed => Ok(StatusCode::NO_CONTENT),
        Outcome::Rejected { current } => Err(PreconditionFailed(current.map(|id| Revision { id, ..revision })).into()),
        Outcome::NotAdded(NotAdded::NoInteger) => Err(NotApplied::NoInteger),
        Outcome::NotAdded(NotAdded::Overflow) => Err(NotApplied::Overflow),
        Outcome::Dead(reason) => Err(NotApplied::Dead(reason.clone())),
    }
}
