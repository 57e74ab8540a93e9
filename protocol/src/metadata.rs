//! What a client says about an item besides its value and type: a few short texts by name.
//!
//! They are lines of the item's header block, `<name>: <text>`, so a read stays one command. On
//! the way they are headers, hence the names of headers (RFC 9110 §5.1) in lower case, and texts
//! that every HTTP library passes on as they are (§5.5).

use crate::limits::MAX_METADATA_BYTES;

/// The texts of an item, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, String)>);

/// Why metadata cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not the name of a header.
    #[error("The metadata name \"{0}\" must be one or more letters, digits or any of !#$%&'*+-.^_`|~")]
    Name(String),
    /// A name that comes more than once.
    #[error("The metadata \"{0}\" is given more than once")]
    Repeated(String),
    /// A text that a header cannot carry unchanged.
    #[error("The metadata \"{0}\" must be printable ASCII without spaces at its ends")]
    Text(String),
    /// More than [`MAX_METADATA_BYTES`].
    #[error("The metadata has {0} bytes, names included; at most {MAX_METADATA_BYTES} are allowed")]
    TooLarge(usize),
}

impl Metadata {
    /// Checks names and texts; names become lower case.
    ///
    /// # Errors
    /// [`InvalidMetadata`] names the first that cannot be kept.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, InvalidMetadata> {
        let mut kept: Vec<(String, String)> = Vec::new();
        let mut bytes = 0;
        for (name, text) in texts {
            bytes += name.len() + text.len();
            if bytes > MAX_METADATA_BYTES {
                continue;
            }
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(InvalidMetadata::Name(name.escape_debug().to_string()));
            }
            let name = name.to_ascii_lowercase();
            if kept.iter().any(|(other, _)| *other == name) {
                return Err(InvalidMetadata::Repeated(name));
            }
            if text.trim() != text || !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
                return Err(InvalidMetadata::Text(name));
            }
            kept.push((name, text.to_owned()));
        }
        if bytes > MAX_METADATA_BYTES { Err(InvalidMetadata::TooLarge(bytes)) } else { Ok(Self(kept)) }
    }

    /// Reads the lines of a header block; `None` where they are not what [`Metadata::lines`] makes.
    pub(crate) fn parse(lines: &str) -> Option<Self> {
        let line = |line: &str| line.split_once(": ").map(|(name, text)| (name.to_owned(), text.to_owned()));
        lines.lines().map(line).collect::<Option<_>>().map(Self)
    }

    /// The lines of the header block, each with its end.
    pub(crate) fn lines(&self) -> String {
        self.0.iter().map(|(name, text)| format!("{name}: {text}\n")).collect()
    }

    /// Names and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_kept_is_named() {
        for (texts, expected) in [
            (vec![("", "x")], InvalidMetadata::Name(String::new())),
            (vec![("a b", "x")], InvalidMetadata::Name("a b".into())),
            (vec![("Owner", "x"), ("owner", "y")], InvalidMetadata::Repeated("owner".into())),
            (vec![("a", "x\ny")], InvalidMetadata::Text("a".into())),
            (vec![("a", " x")], InvalidMetadata::Text("a".into())),
            (vec![("a", "é")], InvalidMetadata::Text("a".into())),
            (vec![("a", &"x".repeat(2_000)), ("b", &"y".repeat(47))], InvalidMetadata::TooLarge(2_049)),
        ] {
            assert_eq!(Metadata::new(texts), Err(expected));
        }
        assert!(Metadata::new([("a", "x".repeat(2_000).as_str()), ("b", &"y".repeat(46))]).is_ok());
    }

    proptest! {
        #[test]
        fn lines_round_trip(texts in prop::collection::btree_map("[a-z0-9._-]{1,9}", "([!-~]([ -~]{0,9}[!-~])?)?", 0..5)) {
            let metadata = Metadata::new(texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap();
            prop_assert!(!metadata.lines().contains("\n\n"));
            prop_assert_eq!(Metadata::parse(&metadata.lines()), Some(metadata));
        }
    }
}
