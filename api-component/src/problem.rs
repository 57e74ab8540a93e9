//! Every way a request can fail, and how the client hears of it: the only place that turns
//! errors into HTTP (RFC 9457, `application/problem+json`).
//!
//! The `type` is stable and meant for programs, the `detail` says what would be right and is
//! meant for people. What went wrong inside goes to the log, not to the client.

mod document;

use std::fmt;

use larder_protocol::item::InvalidContentType;
use larder_protocol::item_id::InvalidItemId;
use larder_protocol::metadata::InvalidMetadata;
use larder_protocol::revision::InvalidRevision;
use larder_protocol::token::{Prefix, Scope};
use larder_protocol::{ItemId, Revision, limits};

use crate::access::Unauthorized;
use crate::body::BodyError;
use crate::bulk::{InvalidBulk, InvalidOperation};
use crate::config::InvalidConfig;
use crate::envelope::InvalidEnvelope;
use crate::health::NotReady;
use crate::idempotency::InvalidIdempotencyKey;
use crate::listing::InvalidCursor;
use crate::precondition::InvalidPrecondition;
use crate::query::InvalidQuery;
use crate::redis::RedisError;
use crate::route;
use crate::store::ReadError;

pub use document::{Document, TYPE_PREFIX};

/// Why a request was not done.
#[derive(Debug, thiserror::Error, strum::EnumDiscriminants)]
#[strum_discriminants(name(Kind), derive(strum::EnumIter))]
#[strum_discriminants(doc = "A [`Problem`] without its particulars.", expect(missing_docs))]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Problem {
    #[error("There is nothing at this path. Items are at /items/{{id}}, writes at /writes/{{revision}}.")]
    NoSuchPath,
    #[error("The path and the query have more than {} bytes.", limits::MAX_TARGET_BYTES)]
    TargetTooLong,
    #[error("The headers have more than {} bytes.", limits::MAX_HEADER_BYTES)]
    HeadersTooLarge,
    #[error("This resource answers {0}.")]
    MethodNotAllowed(route::Methods),
    #[error("{0}")]
    Unauthorized(Unauthorized),
    #[error("The access token does not have the scope {0}, which this needs.")]
    InsufficientScope(Scope),
    #[error("The access token only reaches what starts with {}.", Alternatives(.0))]
    OutsidePrefix(Vec<Prefix>),
    #[error("There is no item \"{0}\".")]
    NoSuchItem(ItemId),
    #[error("No write {0} was ever accepted, or it was to another item.")]
    NoSuchWrite(Revision),
    #[error("The write {0} is too old: outcomes are kept for an hour.")]
    WriteTooOld(Revision),
    #[error("{0}.")]
    InvalidItemId(#[from] InvalidItemId),
    #[error("{0}.")]
    InvalidRevision(#[from] InvalidRevision),
    #[error("{0}.")]
    InvalidQuery(#[from] InvalidQuery),
    #[error("{0}.")]
    InvalidCursor(#[from] InvalidCursor),
    #[error("The revision {0} is not of the partition of this item, so it says nothing of its state.")]
    ForeignRevision(Revision),
    #[error("{0}.")]
    InvalidPrecondition(#[from] InvalidPrecondition),
    #[error("{0}.")]
    InvalidIdempotencyKey(#[from] InvalidIdempotencyKey),
    #[error("This Idempotency-Key was used for another request to this item. Nothing was written.")]
    IdempotencyKeyReused,
    #[error("The item is {}; the request asks for another state of it.", State(.0))]
    PreconditionFailed(Option<Revision>),
    #[error("The write was accepted, but can never be applied: {0}. It is kept for the operator to see.")]
    NotApplied(String),
    #[error("The state that Larder-Min-Revision asks for is not reached yet; try again later, or send Prefer: wait=N.")]
    StateNotReached,
    #[error("{0}.")]
    InvalidContentType(#[from] InvalidContentType),
    #[error("{0}.")]
    InvalidMetadata(#[from] InvalidMetadata),
    #[error("The body is empty; a value has at least one byte. To remove an item, send DELETE.")]
    EmptyValue,
    #[error("{0}.")]
    InvalidEnvelope(InvalidEnvelope),
    #[error("{0}. Nothing was written.")]
    NoValue(String),
    #[error("{0}.")]
    InvalidOperation(InvalidOperation),
    #[error("{0}. Nothing was done.")]
    InvalidBulk(InvalidBulk),
    #[error("{0}. Nothing was done.")]
    BulkTooLarge(InvalidBulk),
    #[error("{0}. Nothing was done.")]
    UnsupportedContentType(InvalidBulk),
    #[error("The answer has no room left for this item; ask for those that are missing once more.")]
    AnswerTooLarge,
    #[error("The value is larger than {0} bytes, the most that is allowed here. Nothing was written.")]
    TooLarge(usize),
    #[error("The body ended early or could not be read. Nothing was written.")]
    IncompleteBody(String),
    #[error("The partition of this item has {0} writes that wait to be applied. Nothing was written; try again later.")]
    Overloaded(u64),
    #[error("The store has no memory left for new values. Nothing was written; try again later.")]
    OutOfMemory,
    #[error("The store cannot be reached at the moment. {0}; try again later.")]
    Unavailable(&'static str, RedisError),
    #[error("The store did not answer in time. The write may or may not have been accepted; read the item to see.")]
    OutcomeUnknown(RedisError),
    #[error("{0}")]
    NotReady(NotReady),
    #[error("The service is not ready; a token with the scope admin is told why.")]
    NotReadyUntold(NotReady),
    #[error("The service is not configured properly; its log says how.")]
    Misconfigured(InvalidConfig),
    #[error("Something is wrong on our side; the log of the service says what.")]
    Internal(String),
}

/// The state of an item, for a sentence.
struct State<'a>(&'a Option<Revision>);

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => write!(f, "at revision \"{revision}\""),
            None => f.write_str("not there"),
        }
    }
}

/// Prefixes of ids, for a sentence.
struct Alternatives<'a>(&'a [Prefix]);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<_> = self.0.iter().map(|prefix| format!("\"{}\"", prefix.as_str())).collect();
        f.write_str(&quoted.join(" or "))
    }
}

impl Problem {
    /// A command that only read failed.
    #[must_use]
    pub fn reading(error: RedisError) -> Self {
        match error {
            RedisError::Unexpected(message) => Self::Internal(message),
            // Somebody else put something at one of our keys; no retry will help.
            RedisError::Refused { code, message } if code == "WRONGTYPE" => Self::Internal(message),
            error => Self::Unavailable("Nothing was changed", error),
        }
    }

    /// A write was not accepted, or may not have been.
    #[must_use]
    pub fn writing(error: RedisError) -> Self {
        match error {
            RedisError::Unexpected(message) => Self::Internal(message),
            RedisError::Refused { code, .. } if code == "OOM" => Self::OutOfMemory,
            RedisError::Refused { code, message } if code == "WRONGTYPE" => Self::Internal(message),
            error @ RedisError::Lost(_) => Self::OutcomeUnknown(error),
            error => Self::Unavailable("Nothing was written", error),
        }
    }

    /// What the operator shall read and the client shall not; `None` where the client is told all.
    #[must_use]
    pub fn log_line(&self) -> Option<String> {
        match self {
            Self::Unavailable(_, error) | Self::OutcomeUnknown(error) => Some(error.to_string()),
            Self::Misconfigured(error) => Some(error.to_string()),
            Self::NotReady(NotReady::Redis(error)) | Self::NotReadyUntold(NotReady::Redis(error)) => {
                Some(error.to_string())
            }
            Self::Internal(error) => Some(error.clone()),
            Self::OutOfMemory => Some("Redis refused a write: it has reached maxmemory".to_owned()),
            _ => None,
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Redis(error) => Self::reading(error),
            ReadError::Malformed(error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(most) => Self::TooLarge(most),
            BodyError::Incomplete(error) => Self::IncompleteBody(error),
        }
    }
}

impl From<InvalidBulk> for Problem {
    fn from(error: InvalidBulk) -> Self {
        match error {
            InvalidBulk::ContentType => Self::UnsupportedContentType(error),
            InvalidBulk::TooMany | InvalidBulk::TooLarge => Self::BulkTooLarge(error),
            InvalidBulk::NoArray(_) | InvalidBulk::Empty => Self::InvalidBulk(error),
        }
    }
}

impl From<InvalidOperation> for Problem {
    fn from(error: InvalidOperation) -> Self {
        match error {
            InvalidOperation::NoValue | InvalidOperation::EmptyValue => Self::NoValue(error.to_string()),
            error => Self::InvalidOperation(error),
        }
    }
}

impl From<InvalidEnvelope> for Problem {
    fn from(error: InvalidEnvelope) -> Self {
        match error {
            InvalidEnvelope::NoValue | InvalidEnvelope::EmptyValue => Self::NoValue(error.to_string()),
            InvalidEnvelope::Malformed(_) | InvalidEnvelope::TtlTwice => Self::InvalidEnvelope(error),
        }
    }
}
