//! A dead letter: an entry as it was, with what its burial put in front of it.
//!
//! Nothing about it can be relied on. The burial's own fields are there where the commit script
//! wrote it, and the rest may be anything: that is why it is dead.

use larder_protocol::Revision;

/// An entry of a dead stream.
pub struct Letter {
    /// The partition and the ID in its dead stream.
    pub name: Revision,
    /// The stream ID that it had as a write.
    pub revision: Option<Vec<u8>>,
    /// Why it died.
    pub reason: Option<Vec<u8>>,
    /// What the write consisted of, in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Letter {
    pub fn new(name: Revision, entry: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let mut fields = entry.into_iter().peekable();
        let mut take = |wanted: &[u8]| fields.next_if(|(field, _)| field == wanted).map(|(_, value)| value);
        let (revision, reason) = (take(b"revision"), take(b"reason"));
        Self { name, revision, reason, fields: fields.collect() }
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| field == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// What the client wanted stored; all of the field where the header block is missing.
    pub fn value(&self) -> Option<&[u8]> {
        let item = self.field("item")?;
        let header = item.windows(2).position(|pair| pair == b"\n\n");
        Some(header.map_or(item, |end| &item[end + 2..]))
    }

    /// The write's revision as clients know it.
    pub fn full_revision(&self) -> Option<String> {
        let revision = self.revision.as_ref()?;
        Some(format!("{}-{}", self.name.partition, String::from_utf8_lossy(revision)))
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
        assert_eq!(buried.reason.as_deref(), Some(&b"odd"[..]));
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
}
