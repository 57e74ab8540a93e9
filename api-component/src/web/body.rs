//! Reading a request's body, never more of it than is allowed.

use std::fmt;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::BodyExt;
use larder_protocol::limits::MAX_BULK_BYTES;

use super::problem::{Kind, Problem};

/// How much of a body that nobody wants is read all the same: twice the largest of a bulk request.
const DISCARDED_BYTES: usize = 2 * MAX_BULK_BYTES;

/// The body of a request, whichever host it comes from.
pub trait RequestBody: Body<Data = Bytes, Error: fmt::Display> {}

impl<B: Body<Data = Bytes, Error: fmt::Display>> RequestBody for B {}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than are allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The client went away, or sent what is not HTTP.
    #[error("the body could not be read: {0}")]
    Incomplete(String),
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(most) => Self::new(
                Kind::TooLarge,
                format_args!(
                    "The value is larger than {most} bytes, the most that is allowed here. Nothing was written."
                ),
            ),
            BodyError::Incomplete(_) => {
                Self::new(Kind::IncompleteBody, "The body ended early or could not be read. Nothing was written.")
            }
        }
    }
}

/// Reads the whole body, of `most` bytes at most. `Content-Length` is believed where it says
/// that the body is too large, and only there.
///
/// # Errors
/// [`BodyError`].
pub async fn read(request: Request<impl RequestBody>, most: usize) -> Result<Bytes, BodyError> {
    let (head, body) = request.into_parts();
    let declared = declared_length(&head.headers).unwrap_or_default();
    if declared > most {
        return Err(BodyError::TooLarge(most));
    }
    let mut body = pin!(body);
    let mut bytes = BytesMut::with_capacity(declared);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Incomplete(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(BodyError::TooLarge(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Whether the body is to be discarded where the request is refused: not where the client waits to
/// be asked for it, or says that it is very large.
pub fn is_discardable(headers: &HeaderMap) -> bool {
    !headers.contains_key(EXPECT) && declared_length(headers).unwrap_or_default() <= DISCARDED_BYTES
}

/// Reads what is left of the body of a request that was refused, and throws it away: a client that
/// sends first and listens then gets its answer, and not a reset connection.
pub async fn discard(mut body: impl RequestBody + Unpin) {
    let mut received = 0;
    while received <= DISCARDED_BYTES {
        let Some(Ok(frame)) = body.frame().await else { return };
        received += frame.data_ref().map_or(0, Bytes::len);
    }
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use http_body_util::Full;

    use super::*;

    fn read_full(length: usize, most: usize) -> Result<Bytes, BodyError> {
        block_on(read(Request::new(Full::new(Bytes::from(vec![7; length]))), most))
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(read_full(10, 10).unwrap().len(), 10);
        assert!(matches!(read_full(11, 10), Err(BodyError::TooLarge(10))));
    }
}
