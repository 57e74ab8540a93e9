//! Names of the HTTP headers that are Larder's own, and what goes with every answer.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Response, StatusCode};

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: HeaderName = HeaderName::from_static($name);)*

        /// All of these names.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

/// What the names of an item's metadata begin with.
pub const METADATA_PREFIX: &str = "larder-meta-";

names! {
    /// When the item ends, as RFC 3339 in UTC with milliseconds.
    EXPIRES_AT = "larder-expires-at";

    /// The revision that a write made or will make; also without an item that could have an `ETag`.
    REVISION = "larder-revision";

    /// In a read: the oldest state that is acceptable.
    MIN_REVISION = "larder-min-revision";

    /// Makes a write safe to repeat (draft-ietf-httpapi-idempotency-key-header-07).
    IDEMPOTENCY_KEY = "idempotency-key";

    /// The media types of patches that a resource takes (RFC 5789).
    ACCEPT_PATCH = "accept-patch";

    /// What is left of what a token may send (draft-ietf-httpapi-ratelimit-headers-11).
    RATE_LIMIT = "ratelimit";

    /// How often it may (the same draft).
    RATE_LIMIT_POLICY = "ratelimit-policy";

    /// The cursor of the last event that a client of Server-Sent Events has seen (HTML standard, section 9.2).
    LAST_EVENT_ID = "last-event-id";

    /// The trace that a request belongs to (W3C Trace Context).
    TRACEPARENT = "traceparent";

    /// What else is known of the trace (W3C Trace Context); Larder leaves it to its host.
    TRACESTATE = "tracestate";

    /// Where the time went (W3C Server Timing): with Redis, and waiting for something to happen.
    SERVER_TIMING = "server-timing";

    /// What a client would like (RFC 7240).
    PREFER = "prefer";

    /// Which of it was honoured (RFC 7240).
    PREFERENCE_APPLIED = "preference-applied";
}

/// Media type of every error (RFC 9457).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Media type of the answers that Larder itself writes.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media types of patches to an item.
pub const PATCH_FORMS: HeaderValue =
    HeaderValue::from_static("application/merge-patch+json, application/json-patch+json");

/// Media type of an integer that an increment answers.
pub const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// A stored value may be kept by a cache, but not used without asking for a newer one.
pub const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers about a moment, which no cache shall keep.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Stored bytes are somebody else's: a browser shall run no script and load nothing for them.
pub const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A browser shall take the declared type and not guess another.
pub const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Sets `Content-Length`, except where an answer has no body to be long (RFC 9110 §8.6). A host
/// that does not know the length sends the body in chunks.
pub fn insert_length(response: &mut Response<Bytes>) {
    if !matches!(response.status(), StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT) {
        let length = response.body().len();
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}
