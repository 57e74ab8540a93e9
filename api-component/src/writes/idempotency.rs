//! `Idempotency-Key`: repeating a request does not repeat the write
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! A key belongs to its item and to whoever sent it. The store remembers it together with a digest of
//! the request, so that a key that is used for something else is noticed.

use http::HeaderMap;
use larder_protocol::limits::MAX_IDEMPOTENCY_KEY_BYTES;
use larder_protocol::{ItemId, keys};
use sfv::{BareItem, Item, Parser};

use crate::web::header;
use crate::web::problem::{Kind, Problem};

/// A header that holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Idempotency-Key must be one string in quotes, of 1 to {MAX_IDEMPOTENCY_KEY_BYTES} bytes, like \"8e03978e-40d5\""
)]
pub struct InvalidIdempotencyKey;

impl From<InvalidIdempotencyKey> for Problem {
    fn from(error: InvalidIdempotencyKey) -> Self {
        Self::new(Kind::InvalidIdempotencyKey, format_args!("{error}."))
    }
}

/// The Redis key that remembers the request, if it has a key.
pub fn record(headers: &HeaderMap, id: &ItemId, owner: &str) -> Result<Option<String>, InvalidIdempotencyKey> {
    Ok(key(headers)?.map(|key| keys::idempotency(id, owner, &key)))
}

/// The Redis key that remembers the part `number` of a request with this key. A header holds no
/// line break, so no request for one item has the same.
pub fn part_record(id: &ItemId, owner: &str, key: &str, number: usize) -> String {
    keys::idempotency(id, owner, &format!("{key}\n{number}"))
}

/// The key of a request, if it has one.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, InvalidIdempotencyKey> {
    let mut values = headers.get_all(header::IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let item = Parser::new(value.as_bytes()).parse::<Item>().map_err(|_| InvalidIdempotencyKey)?;
    match (item.bare_item, values.next()) {
        (BareItem::String(key), None) if (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.as_str().len()) => {
            Ok(Some(key.into()))
        }
        _ => Err(InvalidIdempotencyKey),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(value: &str) -> Result<Option<String>, InvalidIdempotencyKey> {
        let headers = HeaderMap::from_iter([(header::IDEMPOTENCY_KEY, HeaderValue::from_str(value).unwrap())]);
        record(&headers, &ItemId::new("a").unwrap(), "ci")
    }

    #[test]
    fn a_key_is_a_string_in_quotes() {
        assert_eq!(of("\"k 1\""), Ok(Some("larder:{7byi}:idem:1:a:ci:k 1".to_owned())));
        assert_eq!(record(&HeaderMap::new(), &ItemId::new("a").unwrap(), "ci"), Ok(None));
        for wrong in ["", "k", "\"\"", "\"k", "1", "\"a\", \"b\"", &format!("\"{}\"", "x".repeat(256))] {
            assert_eq!(of(wrong), Err(InvalidIdempotencyKey), "{wrong}");
        }
    }
}
