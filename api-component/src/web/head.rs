//! The head of a request is bounded before anything in it is parsed.

use http::Request;
use larder_protocol::limits::{MAX_HEADER_BYTES, MAX_TARGET_BYTES};

use super::problem::{Kind, Problem};

/// A head that is larger than anybody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadTooLarge {
    /// The path with its query (RFC 9110 §15.5.15).
    #[error("The path and the query have more than {MAX_TARGET_BYTES} bytes.")]
    Target,
    /// The headers (RFC 6585 §5).
    #[error("The headers have more than {MAX_HEADER_BYTES} bytes.")]
    Headers,
}

impl From<HeadTooLarge> for Problem {
    fn from(error: HeadTooLarge) -> Self {
        let kind = match error {
            HeadTooLarge::Target => Kind::TargetTooLong,
            HeadTooLarge::Headers => Kind::HeadersTooLarge,
        };
        Self::new(kind, error)
    }
}

/// Refuses a path with its query, or headers, that are larger than anybody needs.
///
/// # Errors
/// [`HeadTooLarge`].
pub fn check<B>(request: &Request<B>) -> Result<(), HeadTooLarge> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET_BYTES) {
        return Err(HeadTooLarge::Target);
    }
    let size = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
    if request.headers().iter().map(size).sum::<usize>() > MAX_HEADER_BYTES {
        return Err(HeadTooLarge::Headers);
    }
    Ok(())
}
