//! A write on its way from the component to the commit script: the fields of a stream entry.
//!
//! ```text
//! op put     id <id>  ttl <ms or ->  item <content>
//! op delete  id <id>
//! ```
//!
//! The order of the fields is part of the format: the commit script reads them by position,
//! and refuses an entry that has them otherwise. A time to live counts from the moment of
//! acceptance, which is the entry's own ID, so that no clock but Redis' is involved.

use std::time::Duration;

use crate::{Content, ItemId};

/// What shall happen to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Store this content, and forget it after the time to live if there is one.
    Put {
        /// The value and its type.
        content: Content,
        /// How long the item shall live, counted from acceptance; whole milliseconds.
        ttl: Option<Duration>,
    },
    /// Remove the item.
    Delete,
}

impl Write {
    /// The fields and values of the stream entry for this write to the item `id`.
    #[must_use]
    pub fn into_fields(self, id: &ItemId) -> Vec<Vec<u8>> {
        let fields: Vec<(&str, Vec<u8>)> = match self {
            Self::Put { content, ttl } => vec![
                ("op", b"put".to_vec()),
                ("id", id.as_str().into()),
                ("ttl", ttl.map_or_else(|| "-".into(), |ttl| ttl.as_millis().to_string().into_bytes())),
                ("item", content.encode()),
            ],
            Self::Delete => vec![("op", b"delete".to_vec()), ("id", id.as_str().into())],
        };
        fields.into_iter().flat_map(|(name, value)| [name.as_bytes().to_vec(), value]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: a worker may meet entries that an older component wrote.
    #[test]
    fn the_entry_s_form_never_changes() {
        let id = ItemId::new("cart:42").unwrap();
        let content = Content::new(Some("text/plain"), b"hi".to_vec()).unwrap();
        let put = Write::Put { content, ttl: Some(Duration::from_secs(60)) };
        assert_eq!(put.into_fields(&id).join(&b'|'), b"op|put|id|cart:42|ttl|60000|item|text/plain\n\nhi");
        assert_eq!(Write::Delete.into_fields(&id).join(&b'|'), b"op|delete|id|cart:42");
    }
}
