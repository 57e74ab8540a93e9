//! The kinds of problems: what a client's program tells one failure from another by.
//!
//! The last part of the type is stable. What each means stands in the OpenAPI document.

use http::StatusCode;

/// A [`Problem`](super::Problem) without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
#[expect(missing_docs, reason = "the titles say it")]
pub enum Kind {
    TargetTooLong,
    HeadersTooLarge,
    NoSuchPath,
    MethodNotAllowed,
    NotAcceptable,
    Unauthorized,
    InsufficientScope,
    OutsidePrefix,
    TooManyRequests,
    NoSuchItem,
    NoSuchWrite,
    WriteTooOld,
    InvalidItemId,
    InvalidRevision,
    InvalidQuery,
    InvalidCursor,
    ChangesGone,
    NoFeed,
    ForeignRevision,
    InvalidPrecondition,
    InvalidIdempotencyKey,
    IdempotencyKeyReused,
    PreconditionFailed,
    InvalidPatch,
    NotJson,
    PatchConflict,
    Unpatchable,
    Contended,
    NoInteger,
    Overflow,
    NotApplied,
    StateNotReached,
    InvalidContentType,
    InvalidMetadata,
    EmptyValue,
    InvalidEnvelope,
    NoValue,
    InvalidOperation,
    UnsupportedContentType,
    BulkTooLarge,
    InvalidBulk,
    AnswerTooLarge,
    TooLarge,
    IncompleteBody,
    Overloaded,
    TooManyFollowers,
    OutOfMemory,
    Unavailable,
    OutcomeUnknown,
    UnderReplicated,
    UnknownFormat,
    NotReady,
    Misconfigured,
    Internal,
}

impl Kind {
    /// The request was refused or failed; else the answer tells how the store is, and that is all.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        !matches!(
            self,
            Self::NoSuchItem
                | Self::NoSuchWrite
                | Self::WriteTooOld
                | Self::ChangesGone
                | Self::NoFeed
                | Self::PreconditionFailed
                | Self::StateNotReached
        )
    }

    /// Status, last part of the type, and title.
    #[must_use]
    pub fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::TargetTooLong => (S::URI_TOO_LONG, "target-too-long", "Path and query too long"),
            Self::HeadersTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "Headers too large"),
            Self::NoSuchPath => (S::NOT_FOUND, "no-such-path", "No such path"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            Self::NotAcceptable => (S::NOT_ACCEPTABLE, "not-acceptable", "Not acceptable"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "No valid access token"),
            Self::InsufficientScope => (S::FORBIDDEN, "insufficient-scope", "Scope missing"),
            Self::OutsidePrefix => (S::FORBIDDEN, "outside-prefix", "Outside the token's prefixes"),
            Self::TooManyRequests => (S::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::NoSuchItem => (S::NOT_FOUND, "no-such-item", "No such item"),
            Self::NoSuchWrite => (S::NOT_FOUND, "no-such-write", "No such write"),
            Self::WriteTooOld => (S::GONE, "write-too-old", "Outcome no longer known"),
            Self::InvalidItemId => (S::BAD_REQUEST, "invalid-id", "Invalid item id"),
            Self::InvalidRevision => (S::BAD_REQUEST, "invalid-revision", "Invalid revision"),
            Self::InvalidQuery => (S::BAD_REQUEST, "invalid-query", "Invalid query"),
            Self::InvalidCursor => (S::BAD_REQUEST, "invalid-cursor", "Invalid cursor"),
            Self::ChangesGone => (S::GONE, "changes-gone", "Changes no longer kept"),
            Self::NoFeed => (S::NOT_FOUND, "no-feed", "No feed of changes"),
            Self::ForeignRevision => (S::BAD_REQUEST, "foreign-revision", "Revision of another partition"),
            Self::InvalidPrecondition => (S::BAD_REQUEST, "invalid-precondition", "Invalid precondition"),
            Self::InvalidIdempotencyKey => (S::BAD_REQUEST, "invalid-idempotency-key", "Invalid idempotency key"),
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key already used")
            }
            Self::PreconditionFailed => (S::PRECONDITION_FAILED, "precondition-failed", "Precondition failed"),
            Self::InvalidPatch => (S::BAD_REQUEST, "invalid-patch", "Invalid patch"),
            Self::NotJson => (S::UNSUPPORTED_MEDIA_TYPE, "not-json", "Item is not JSON"),
            Self::PatchConflict => (S::CONFLICT, "patch-conflict", "Patch does not fit the item"),
            Self::Unpatchable => (S::UNPROCESSABLE_ENTITY, "unpatchable", "Patch cannot be applied"),
            Self::Contended => (S::CONFLICT, "contended", "Others were faster"),
            Self::NoInteger => (S::CONFLICT, "no-integer", "Not an integer"),
            Self::Overflow => (S::UNPROCESSABLE_ENTITY, "overflow", "Sum too large"),
            Self::NotApplied => (S::INTERNAL_SERVER_ERROR, "not-applied", "Write cannot be applied"),
            Self::StateNotReached => (S::SERVICE_UNAVAILABLE, "state-not-reached", "State not reached yet"),
            Self::InvalidContentType => (S::BAD_REQUEST, "invalid-content-type", "Invalid content type"),
            Self::InvalidMetadata => (S::BAD_REQUEST, "invalid-metadata", "Invalid metadata"),
            Self::EmptyValue => (S::BAD_REQUEST, "empty-value", "Empty value"),
            Self::InvalidEnvelope => (S::BAD_REQUEST, "invalid-envelope", "Invalid JSON body"),
            Self::NoValue => (S::UNPROCESSABLE_ENTITY, "no-value", "No value"),
            Self::InvalidOperation => (S::BAD_REQUEST, "invalid-operation", "Invalid operation"),
            Self::UnsupportedContentType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-type", "Unsupported content type")
            }
            Self::BulkTooLarge => (S::PAYLOAD_TOO_LARGE, "bulk-too-large", "Bulk request too large"),
            Self::InvalidBulk => (S::BAD_REQUEST, "invalid-bulk", "Invalid bulk request"),
            Self::AnswerTooLarge => (S::PAYLOAD_TOO_LARGE, "answer-too-large", "Answer too large"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "value-too-large", "Value too large"),
            Self::IncompleteBody => (S::BAD_REQUEST, "incomplete-body", "Incomplete body"),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "Too many writes wait"),
            Self::TooManyFollowers => {
                (S::SERVICE_UNAVAILABLE, "too-many-followers", "Too many requests wait for changes")
            }
            Self::OutOfMemory => (S::SERVICE_UNAVAILABLE, "out-of-memory", "Store is full"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "store-unavailable", "Store unavailable"),
            Self::OutcomeUnknown => (S::SERVICE_UNAVAILABLE, "outcome-unknown", "Outcome unknown"),
            Self::UnderReplicated => (S::SERVICE_UNAVAILABLE, "under-replicated", "Too few replicas have the write"),
            Self::UnknownFormat => (S::SERVICE_UNAVAILABLE, "unknown-format", "Data of another format"),
            Self::NotReady => (S::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Self::Misconfigured => (S::INTERNAL_SERVER_ERROR, "misconfigured", "Misconfigured"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }
}
