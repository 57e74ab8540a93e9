//! How an item looks in Redis.
//!
//! One string, so that a read is one `GET`: a header block in plain text, an empty line, then
//! the bytes of the value.
//!
//! ```text
//! 1764000000123-0 1764000060123 text/plain; charset=utf-8\n
//! owner: ada\n
//! \n
//! Hello
//! ```
//!
//! The first line holds the revision, the moment of expiry in ms (or `-`) and the content
//! type. Lines of [`Metadata`] may follow it. An item of a later format has a header block too, and starts with
//! `format 2` (see [`crate::format`]). [`Content`] is what the writer supplies; the commit
//! script puts the revision and the expiry, which only Redis knows, in front of it.

use mediatype::MediaType;

use crate::limits::{MAX_CONTENT_TYPE_BYTES, MAX_METADATA_BYTES};
use crate::{Metadata, OtherFormat, StreamId};

/// The content type of a value that came without one (RFC 9110 §8.3).
pub const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// A value, its type and its metadata: the part of an item that comes from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    content_type: String,
    metadata: Metadata,
    value: Vec<u8>,
}

/// Why a content type cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContentType {
    /// Longer than [`MAX_CONTENT_TYPE_BYTES`].
    #[error("The content type has {0} bytes; at most {MAX_CONTENT_TYPE_BYTES} are allowed")]
    TooLong(usize),
    /// Not a media type.
    #[error("\"{0}\" is no media type; one looks like text/plain; charset=utf-8")]
    Malformed(String),
}

impl Content {
    /// A value with its content type, or [`DEFAULT_CONTENT_TYPE`] where it has none.
    ///
    /// # Errors
    /// [`InvalidContentType`] where the type is not a media type (RFC 9110 §8.3.1) or too long.
    pub fn new(content_type: Option<&str>, value: Vec<u8>) -> Result<Self, InvalidContentType> {
        let content_type = content_type.map_or(DEFAULT_CONTENT_TYPE, str::trim);
        if content_type.len() > MAX_CONTENT_TYPE_BYTES {
            return Err(InvalidContentType::TooLong(content_type.len()));
        }
        // The parser is lenient about what follows the type; a line break would end the header.
        if content_type.contains(|c: char| !(' '..='~').contains(&c)) || MediaType::parse(content_type).is_err() {
            return Err(InvalidContentType::Malformed(content_type.escape_debug().to_string()));
        }
        Ok(Self { content_type: content_type.to_owned(), metadata: Metadata::default(), value })
    }

    /// The same with this metadata.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }

    /// The bytes that the client wants stored.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The bytes that the commit script stores behind `<revision> <expiry> `.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.content_type.as_bytes(), b"\n", self.metadata.lines().as_bytes(), b"\n", &self.value].concat()
    }
}

/// Longest header block of an item, in bytes: a revision and an expiry of 20 digits a number, the
/// content type, and metadata of one byte a line, to each of which come `: ` and the line's end.
pub const MAX_HEAD_BYTES: usize = 3 * 21 + MAX_CONTENT_TYPE_BYTES + 1 + 4 * MAX_METADATA_BYTES;

/// Longest item that holds an integer of 64 bits, in bytes: the header block, the empty line, a sign
/// and 19 digits.
pub const MAX_COUNTER_BYTES: usize = MAX_HEAD_BYTES + 1 + 20;

/// What is known of an item besides its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The write that made this state of the item, in the stream of its partition.
    pub revision: StreamId,
    /// When the item ends, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// The media type of the value.
    pub content_type: String,
    /// What the client says about it.
    pub metadata: Metadata,
}

/// An item as it was read from Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is known of it.
    pub head: Head,
    /// The bytes that the client stored.
    pub value: Vec<u8>,
}

/// A stored string that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no item: something else wrote to the key.
    #[error("the stored item is malformed: {0}")]
    Malformed(&'static str),
    /// It is one of another format.
    #[error(transparent)]
    OtherFormat(#[from] OtherFormat),
}

impl Head {
    /// Reads a header block, without the empty line that ends it.
    ///
    /// # Errors
    /// [`Unreadable`] where it is not what the commit script writes.
    pub fn parse(block: &[u8]) -> Result<Self, Unreadable> {
        if let Some(other) = OtherFormat::of_item(block) {
            return Err(other.into());
        }
        let block = std::str::from_utf8(block).map_err(|_| Unreadable::Malformed("the header is not UTF-8"))?;
        let (first, metadata) = block.split_once('\n').unwrap_or((block, ""));
        let mut fields = first.splitn(3, ' ');
        let mut next = || fields.next().ok_or(Unreadable::Malformed("the header line has fewer than three fields"));
        Ok(Self {
            revision: next()?.parse().map_err(|_| Unreadable::Malformed("the revision"))?,
            expires_at_ms: match next()? {
                "-" => None,
                ms => Some(ms.parse().map_err(|_| Unreadable::Malformed("the expiry"))?),
            },
            content_type: next()?.to_owned(),
            metadata: Metadata::parse(metadata).ok_or(Unreadable::Malformed("a line of metadata"))?,
        })
    }
}

impl Item {
    /// Reads what the commit script wrote.
    ///
    /// # Errors
    /// [`Unreadable`] where the header block is not what the commit script writes.
    pub fn decode(mut stored: Vec<u8>) -> Result<Self, Unreadable> {
        let end = stored.windows(2).position(|pair| pair == b"\n\n");
        let end = end.ok_or(Unreadable::Malformed("the header block does not end"))?;
        let value = stored.split_off(end + 2);
        Ok(Self { head: Head::parse(&stored[..end])?, value })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::timestamp;

    /// What the commit script does with a [`Content`].
    fn commit(revision: &str, expiry: &str, content: &Content) -> Vec<u8> {
        [format!("{revision} {expiry} ").as_bytes(), &content.encode()].concat()
    }

    /// Golden: these bytes are on disk.
    #[test]
    fn the_stored_form_never_changes() {
        let content = Content::new(Some("text/plain; charset=utf-8"), b"Hello\n\nyou".to_vec()).unwrap();
        let stored = commit("1764000000123-0", "1764000060123", &content);
        assert_eq!(stored, b"1764000000123-0 1764000060123 text/plain; charset=utf-8\n\nHello\n\nyou");
        let item = Item::decode(stored).unwrap();
        assert_eq!(item.head.expires_at_ms, Some(1_764_000_060_123));
        assert_eq!(item.value, b"Hello\n\nyou");

        let metadata = Metadata::new([("owner", "ada"), ("team", "")]).unwrap();
        let stored = commit("1-0", "-", &content.with_metadata(metadata.clone()));
        assert_eq!(stored, b"1-0 - text/plain; charset=utf-8\nowner: ada\nteam: \n\nHello\n\nyou");
        let item = Item::decode(stored).unwrap();
        assert_eq!((item.head.metadata, item.value.as_slice()), (metadata, &b"Hello\n\nyou"[..]));
    }

    #[test]
    fn an_item_of_another_format_is_told_from_a_stranger_s_string() {
        let said = |stored: &str| Item::decode(stored.into()).unwrap_err().to_string();
        for stored in ["format 2 1-0 - text/plain\n\nHello", "format 2\n\n\0"] {
            let says = "the data has format 2, and this version of Larder knows format 1: this version is too old";
            assert_eq!(said(stored), says, "{stored:?}");
        }
        assert_eq!(said("format x\n\nHello"), "the stored item is malformed: the revision");
    }

    #[test]
    fn a_stranger_s_string_is_refused() {
        for stored in [
            "",
            "hello",
            "1-0 - text/plain",
            "1-0 - text/plain\nvalue",
            "x - t/p\n\nv",
            "1-0 soon t/p\n\nv",
            "1-0\n\nv",
            "1-0 - t/p\nowner\n\nv",
        ] {
            assert!(Item::decode(stored.into()).is_err(), "{stored:?}");
        }
    }

    #[test]
    fn content_types_are_media_types() {
        for good in ["text/plain", "application/json; charset=utf-8", "application/vnd.a+json"] {
            assert!(Content::new(Some(good), vec![1]).is_ok(), "{good}");
        }
        for wrong in ["", "text", "text/", "te xt/plain", "text/plain\nx: y", "text/plain\u{e9}"] {
            assert!(Content::new(Some(wrong), vec![1]).is_err(), "{wrong:?}");
        }
        assert!(matches!(
            Content::new(Some(&format!("a/{}", "b".repeat(300))), vec![1]),
            Err(InvalidContentType::TooLong(302))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_item_or_refused(start in "([0-9]{1,21}-[0-9]{1,21} (-|[0-9]{1,21}) )?", rest: Vec<u8>) {
            if let Ok(item) = Item::decode([start.as_bytes(), &rest].concat()) {
                let times = [Some(item.head.revision.ms), item.head.expires_at_ms].into_iter().flatten();
                prop_assert!(times.map(timestamp::rfc3339).all(|time| time.len() == 24));
            }
        }

        #[test]
        fn any_value_round_trips(value: Vec<u8>, ms: u64, seq: u64, expiry: Option<u64>) {
            let content = Content::new(None, value.clone()).unwrap();
            let revision = StreamId { ms, seq };
            let stored = commit(&revision.to_string(), &expiry.map_or("-".into(), |ms| ms.to_string()), &content);
            let item = Item::decode(stored).unwrap();
            let (content_type, metadata) = (DEFAULT_CONTENT_TYPE.into(), Metadata::default());
            let head = Head { revision, expires_at_ms: expiry, content_type, metadata };
            prop_assert_eq!(item, Item { head, value });
        }
    }
}
