//! The head of a request is bounded before anything in it is parsed.

use http::Request;
use larder_protocol::limits::{MAX_HEADER_BYTES, MAX_TARGET_BYTES};

use crate::problem::Problem;

/// Refuses a path with its query, or headers, that are larger than anybody needs.
///
/// # Errors
/// [`Problem::TargetTooLong`] (RFC 9110 §15.5.15) or [`Problem::HeadersTooLarge`] (RFC 6585 §5).
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET_BYTES) {
        return Err(Problem::TargetTooLong);
    }
    let size = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
    if request.headers().iter().map(size).sum::<usize>() > MAX_HEADER_BYTES {
        return Err(Problem::HeadersTooLarge);
    }
    Ok(())
}
