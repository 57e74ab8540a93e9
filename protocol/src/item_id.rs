//! The name of an item.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::limits::MAX_ID_BYTES;

/// Characters that need no escape in a path: RFC 3986 unreserved, the sub-delimiters and
/// what `pchar` adds, and the slash, which separates nothing here but is common in ids.
const ESCAPED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// The name of an item: 1 to [`MAX_ID_BYTES`] bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(String);

/// Why a string names no item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidItemId {
    /// There is nothing to name the item by.
    #[error("The item id is empty; it must have 1 to {MAX_ID_BYTES} bytes")]
    Empty,
    /// The id is longer than [`MAX_ID_BYTES`].
    #[error("The item id has {0} bytes; at most {MAX_ID_BYTES} are allowed")]
    TooLong(usize),
    /// The decoded bytes are not UTF-8.
    #[error("The item id is not UTF-8 after percent-decoding")]
    NotUtf8,
    /// The id has a control character (Unicode category Cc).
    #[error("The item id has the control character U+{0:04X}; control characters are not allowed")]
    Control(u32),
}

impl ItemId {
    /// Takes `id` as it is, without percent-decoding.
    ///
    /// # Errors
    /// [`InvalidItemId`] where it is empty, too long or has a control character.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidItemId> {
        let id = id.into();
        if id.is_empty() {
            return Err(InvalidItemId::Empty);
        }
        if id.len() > MAX_ID_BYTES {
            return Err(InvalidItemId::TooLong(id.len()));
        }
        match id.chars().find(|c| c.is_control()) {
            Some(c) => Err(InvalidItemId::Control(c.into())),
            None => Ok(Self(id)),
        }
    }

    /// Percent-decodes the part of a request path that names an item (RFC 3986 §2.1).
    ///
    /// # Errors
    /// [`InvalidItemId`] as for [`ItemId::new`], or where the bytes are not UTF-8.
    pub fn from_path(encoded: &str) -> Result<Self, InvalidItemId> {
        let decoded = percent_decode_str(encoded).decode_utf8().map_err(|_| InvalidItemId::NotUtf8)?;
        Self::new(decoded)
    }

    /// The id as it stands in a request path, percent-encoded where it must be.
    #[must_use]
    pub fn to_path(&self) -> String {
        utf8_percent_encode(&self.0, ESCAPED_IN_PATH).to_string()
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_bytes_not_characters() {
        assert!(ItemId::new("é".repeat(256)).is_ok());
        assert_eq!(ItemId::new("é".repeat(257)), Err(InvalidItemId::TooLong(514)));
        assert_eq!(ItemId::new(""), Err(InvalidItemId::Empty));
    }

    #[test]
    fn control_characters_are_named() {
        assert_eq!(ItemId::from_path("a%0Ab"), Err(InvalidItemId::Control(10)));
        assert_eq!(ItemId::from_path("a%C2%85b"), Err(InvalidItemId::Control(0x85)));
        assert_eq!(ItemId::from_path("%ff"), Err(InvalidItemId::NotUtf8));
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_stands_for_itself() {
        assert_eq!(ItemId::from_path("100%").unwrap().as_str(), "100%");
        assert_eq!(ItemId::from_path("100%25").unwrap().as_str(), "100%");
    }

    proptest! {
        #[test]
        fn what_is_encoded_for_a_path_decodes_to_the_same_id(id in "\\PC{1,120}") {
            let id = ItemId::new(id).unwrap();
            prop_assert!(id.to_path().is_ascii());
            prop_assert_eq!(ItemId::from_path(&id.to_path()).unwrap(), id);
        }
    }
}
