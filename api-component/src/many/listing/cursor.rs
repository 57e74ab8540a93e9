//! The opaque text with which a client asks for the next page: a position in the order of ids,
//! and a digest of what it belongs to, so that a cursor of another listing is noticed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::web::problem::{Kind, Problem};

/// A text that is no cursor of this listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The cursor is not one that this listing gave: a cursor goes with the prefix and delimiter of its first page; \
     without one, the listing starts again"
)]
pub struct InvalidCursor;

impl From<InvalidCursor> for Problem {
    fn from(error: InvalidCursor) -> Self {
        Self::new(Kind::InvalidCursor, format_args!("{error}."))
    }
}

/// Bytes of the digest that are kept; it guards against mistakes only.
const DIGEST: usize = 4;

/// The cursor for what comes after `position`.
pub fn encode(prefix: &str, delimiter: &str, position: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([&digest(prefix, delimiter)[..], position].concat())
}

/// The position in a cursor.
pub fn decode(prefix: &str, delimiter: &str, cursor: &str) -> Result<Vec<u8>, InvalidCursor> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    match bytes.strip_prefix(&digest(prefix, delimiter)) {
        Some(position) if !position.is_empty() && position.starts_with(prefix.as_bytes()) => Ok(position.to_vec()),
        _ => Err(InvalidCursor),
    }
}

fn digest(prefix: &str, delimiter: &str) -> [u8; DIGEST] {
    // No control character is in either of them.
    let hash = Sha256::digest([prefix, "\0", delimiter].concat());
    std::array::from_fn(|n| hash[n])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_listing() {
        let cursor = encode("a/", "/", b"a/b/\xff");
        assert_eq!(decode("a/", "/", &cursor), Ok(b"a/b/\xff".to_vec()));
        for (prefix, delimiter, cursor) in
            [("a", "/", cursor.as_str()), ("a/", "", &cursor), ("a/", "/", ""), ("a/", "/", "x"), ("a/", "/", "!!")]
        {
            assert_eq!(decode(prefix, delimiter, cursor), Err(InvalidCursor), "{prefix} {delimiter} {cursor}");
        }
        assert_eq!(decode("a/", "/", &encode("a/", "/", b"b")), Err(InvalidCursor));
    }

    /// An empty id is none, but it may be what lies before the first.
    #[test]
    fn a_position_is_never_before_the_first_id() {
        assert_eq!(decode("", "", &encode("", "", b"")), Err(InvalidCursor));
    }
}
