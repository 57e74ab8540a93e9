//! What tells a request from another one that came with the same idempotency key.

use larder_protocol::{ItemId, Write};
use sha2::{Digest, Sha256};

/// A digest of all that the request changes, and not of how it wants to be answered.
pub fn digest(write: &Write, id: &ItemId) -> String {
    let lasting = Write { wait: None, idempotency: None, trace: None, ..write.clone() };
    digest_of(lasting.fields(id).iter().map(Vec::as_slice))
}

/// A digest of what a request is made of.
pub fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps two parts apart whatever bytes they hold.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_protocol::{Content, Operation};

    use super::*;

    #[test]
    fn the_digest_covers_what_is_written_and_not_how_it_is_answered() {
        let id = ItemId::new("a").unwrap();
        let put =
            |value: &str| Write::from(Operation::Put { content: Content::new(None, value.into()).unwrap(), ttl: None });
        let waiting = Write { wait: Some(Duration::from_secs(2)), idempotency: Some("k".to_owned()), ..put("x") };
        assert_eq!(digest(&put("x"), &id), digest(&waiting, &id));
        assert_ne!(digest(&put("x"), &id), digest(&put("y"), &id));
        assert_ne!(digest(&put("x"), &id), digest(&Operation::Delete.into(), &id));
    }
}
