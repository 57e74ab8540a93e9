//! Reading a request's body, never more of it than is allowed.

use std::fmt;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::BodyExt;

/// A body that is too large is read on for this many bytes and thrown away, so that a client
/// that sends first and listens then gets its answer instead of a reset connection.
const DISCARDED_BYTES: usize = 4 * 1024 * 1024;

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

/// Reads the whole body, of `most` bytes at most. `Content-Length` is believed where it says
/// that the body is too large, and only there.
///
/// # Errors
/// [`BodyError`].
pub async fn read<B>(request: Request<B>, most: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Display,
{
    let (head, body) = request.into_parts();
    let declared = declared_length(&head.headers).unwrap_or_default();
    let waits = head.headers.contains_key(EXPECT);
    if declared > most && (waits || declared > most + DISCARDED_BYTES) {
        return Err(BodyError::TooLarge(most));
    }
    let mut body = pin!(body);
    let (mut bytes, mut received) = (BytesMut::with_capacity(declared.min(most)), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Incomplete(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        received += data.len();
        if received > most + DISCARDED_BYTES {
            break;
        }
        if received <= most {
            bytes.extend_from_slice(&data);
        }
    }
    if received > most { Err(BodyError::TooLarge(most)) } else { Ok(bytes.freeze()) }
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
        assert!(matches!(read_full(10 + DISCARDED_BYTES + 1, 10), Err(BodyError::TooLarge(10))));
    }
}
