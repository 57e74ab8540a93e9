//! What is known of an item, as a member of a JSON document.

use larder_protocol::{Head, Metadata, Partition, Revision};
use serde::{Serialize, Serializer};

use crate::web::timestamp::rfc3339;

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

fn as_map<S: Serializer>(metadata: &Metadata, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metadata.iter())
}
