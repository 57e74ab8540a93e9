//! Names of the HTTP headers that are Larder's own, and values that go with every answer.

use http::{HeaderName, HeaderValue};

/// When the item ends, as RFC 3339 in UTC with milliseconds.
pub const EXPIRES_AT: HeaderName = HeaderName::from_static("larder-expires-at");

/// Media type of every error (RFC 9457).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Media type of the answers that Larder itself writes.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A stored value may be kept by a cache, but not used without asking for a newer one.
pub const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers about a moment, which no cache shall keep.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Stored bytes are somebody else's: a browser shall run no script and load nothing for them.
pub const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A browser shall take the declared type and not guess another.
pub const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
