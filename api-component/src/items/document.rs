//! What is known of an item, as a member of a JSON document.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_protocol::timestamp::rfc3339;
use larder_protocol::{Head, Item, Metadata, Partition, Revision};
use serde::{Serialize, Serializer};

/// The members that tell what the headers of `GET /items/{id}` tell.
#[derive(Serialize)]
pub struct ItemDocument<'a> {
    revision: String,
    content_type: &'a str,
    modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Metadata::is_empty", serialize_with = "as_map")]
    meta: &'a Metadata,
}

impl<'a> ItemDocument<'a> {
    /// An item of this partition.
    pub fn of(partition: Partition, head: &'a Head) -> Self {
        Self {
            revision: Revision { partition, id: head.revision }.to_string(),
            content_type: &head.content_type,
            modified: rfc3339(head.revision.ms),
            expires: head.expires_at_ms.map(rfc3339),
            meta: &head.metadata,
        }
    }
}

/// An item with its value. A value that is UTF-8 is told as a string, whatever its content type, so that
/// its bytes can be told from the string's.
#[derive(Serialize)]
pub struct ReadItem<'a> {
    #[serde(flatten)]
    known: ItemDocument<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl<'a> ReadItem<'a> {
    /// An item of this partition.
    pub fn of(partition: Partition, item: &'a Item) -> Self {
        let value = std::str::from_utf8(&item.value).ok();
        let value_base64 = if value.is_some() { None } else { Some(BASE64_STANDARD.encode(&item.value)) };
        Self { known: ItemDocument::of(partition, &item.head), value, value_base64 }
    }
}

fn as_map<S: Serializer>(metadata: &Metadata, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metadata.iter())
}
