//! A dead letter: an entry as it was, with what its burial put in front of it.
//!
//! Nothing about it can be relied on. The burial's own fields are there where the commit script
//! wrote it, and the rest may be anything: that is why it is dead.

use larder_protocol::Revision;
use serde::{Deserialize, Serialize};

use super::document::{Bytes, spelled};

/// An entry of a dead stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The partition and the ID in its dead stream.
    #[serde(with = "spelled")]
    pub name: Revision,
    /// The stream ID that it had as a write.
    pub revision: Option<Bytes>,
    /// Why it died.
    pub reason: Option<Bytes>,
    /// What the write consisted of, in order.
    pub fields: Vec<(Bytes, Bytes)>,
}

impl Letter {
    /// An entry as it lies in the stream.
    #[must_use]
    pub fn new(name: Revision, entry: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let mut fields = entry.into_iter().map(|(field, value)| (Bytes(field), Bytes(value))).peekable();
        let mut take = |wanted: &[u8]| fields.next_if(|(field, _)| field.0 == wanted).map(|(_, value)| value);
        let (revision, reason) = (take(b"revision"), take(b"reason"));
        Self { name, revision, reason, fields: fields.collect() }
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| field.0 == name.as_bytes()).map(|(_, value)| value.0.as_slice())
    }

    /// Why it died, where that is known.
    #[must_use]
    pub fn reason(&self) -> Option<&[u8]> {
        self.reason.as_ref().map(|reason| reason.0.as_slice())
    }

    /// What the client wanted stored; all of the field where the header block is missing.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        let item = self.field("item")?;
        let header = item.windows(2).position(|pair| pair == b"\n\n");
        Some(header.map_or(item, |end| &item[end + 2..]))
    }

    /// The write's revision as clients know it.
    #[must_use]
    pub fn full_revision(&self) -> Option<String> {
        let revision = self.revision.as_ref()?;
        Some(format!("{}-{}", self.name.partition, String::from_utf8_lossy(&revision.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(fields: &[(&str, &str)]) -> Letter {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Letter::new("7-5-0".parse().unwrap(), fields.collect())
    }

    #[test]
    fn the_burial_s_fields_are_told_from_the_entry_s_own() {
        let buried = letter(&[("revision", "4-0"), ("reason", "odd"), ("reason", "mine"), ("op", "put")]);
        assert_eq!(buried.full_revision().unwrap(), "7-4-0");
        assert_eq!(buried.reason(), Some(&b"odd"[..]));
        assert_eq!(buried.field("reason"), Some(&b"mine"[..]));
        let strange = letter(&[("hello", "world")]);
        assert!(strange.revision.is_none() && strange.reason.is_none());
        assert_eq!(strange.fields.len(), 1);
    }

    #[test]
    fn the_value_is_what_follows_the_header_block() {
        assert_eq!(letter(&[("item", "t/p\nowner: me\n\na\n\nb")]).value(), Some(&b"a\n\nb"[..]));
        assert_eq!(letter(&[("item", "no header")]).value(), Some(&b"no header"[..]));
        assert_eq!(letter(&[("op", "delete")]).value(), None);
    }

    #[test]
    fn any_bytes_travel_as_json() {
        let sent =
            Letter::new("7-5-0".parse().unwrap(), vec![(b"op".into(), b"put".into()), (vec![0xff], vec![0, 0xfe])]);
        let json = serde_json::to_string(&sent).unwrap();
        let fields = r#""fields":[["op","put"],[{"base64":"/w=="},{"base64":"AP4="}]]"#;
        assert_eq!(json, format!(r#"{{"name":"7-5-0","revision":null,"reason":null,{fields}}}"#));
        assert_eq!(serde_json::from_str::<Letter>(&json).unwrap(), sent);
    }
}
