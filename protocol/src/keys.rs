//! The names of everything Larder keeps in Redis. No other place spells one out.

use crate::{ItemId, Partition, Revision};

/// The pub/sub channel on which accepting a write rings the workers: the message is the
/// number of a partition whose stream went from empty to non-empty, or [`ROSTER_CHANGED`].
pub const DOORBELL: &str = "larder:writes";

/// The other message on the doorbell: a worker has signed off, so the others look at once who
/// lives. Who does not know it ignores it, as all that is no partition's number.
pub const ROSTER_CHANGED: &str = "workers";

/// Sorted set: the workers that live, by the time of their last heartbeat in ms.
pub const WORKERS: &str = "larder:workers";

/// What every key of an item starts with; the id follows.
#[must_use]
pub fn item_prefix(p: Partition) -> String {
    format!("larder:{{{p}}}:item:")
}

/// String: the item, as [`crate::Item`] reads it.
#[must_use]
pub fn item(id: &ItemId) -> String {
    item_prefix(Partition::of(id)) + id.as_str()
}

/// Stream: the writes of the partition that are accepted and not yet applied.
#[must_use]
pub fn writes(p: Partition) -> String {
    format!("larder:{{{p}}}:writes")
}

/// Sorted set, all scores 0: the ids that exist, in byte order.
#[must_use]
pub fn index(p: Partition) -> String {
    format!("larder:{{{p}}}:index")
}

/// Sorted set: the ids that have a time to live, by the moment it ends in ms.
#[must_use]
pub fn expiry(p: Partition) -> String {
    format!("larder:{{{p}}}:expiry")
}

/// Stream: the entries that could not be applied, with the reason.
#[must_use]
pub fn dead(p: Partition) -> String {
    format!("larder:{{{p}}}:dead")
}

/// Stream: the changes that were applied to the items, as far back as they are kept. Where none are kept
/// there is none.
#[must_use]
pub fn changes(p: Partition) -> String {
    format!("larder:{{{p}}}:changes")
}

/// What every record of a write that was not applied starts with; its stream ID follows.
#[must_use]
pub fn rejected_prefix(p: Partition) -> String {
    format!("larder:{{{p}}}:rejected:")
}

/// String: the [`crate::Outcome`] of a write that was not applied, and on a second line its item's id.
#[must_use]
pub fn rejected(revision: Revision) -> String {
    rejected_prefix(revision.partition) + &revision.id.to_string()
}

/// What every list that tells an outcome starts with; the write's stream ID follows.
#[must_use]
pub fn outcome_prefix(p: Partition) -> String {
    format!("larder:{{{p}}}:outcome:")
}

/// List: the [`crate::Outcome`] of a write that somebody waits for, until it is read.
#[must_use]
pub fn outcome(revision: Revision) -> String {
    outcome_prefix(revision.partition) + &revision.id.to_string()
}

/// String: the write that this `Idempotency-Key` made, `<stream ID> <digest>[ <outcome>]`. A key
/// belongs to its item and to its owner, the name of the token that it came with (empty in an open
/// store, never with a colon). The length of the id keeps two keys apart whatever colons they have.
#[must_use]
pub fn idempotency(id: &ItemId, owner: &str, key: &str) -> String {
    let (p, id) = (Partition::of(id), id.as_str());
    format!("larder:{{{p}}}:idem:{}:{id}:{owner}:{key}", id.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: these names are on disk.
    #[test]
    fn names_never_change() {
        let p = Partition::new(12).unwrap();
        assert_eq!(item_prefix(p), "larder:{12}:item:");
        assert_eq!(writes(p), "larder:{12}:writes");
        assert_eq!(index(p), "larder:{12}:index");
        assert_eq!(expiry(p), "larder:{12}:expiry");
        assert_eq!(dead(p), "larder:{12}:dead");
        assert_eq!(changes(p), "larder:{12}:changes");
        let revision = "12-5-0".parse().unwrap();
        assert_eq!(rejected(revision), "larder:{12}:rejected:5-0");
        assert_eq!(outcome(revision), "larder:{12}:outcome:5-0");
        let id = ItemId::new("cart:42").unwrap();
        assert_eq!(idempotency(&id, "ci", "k"), "larder:{5}:idem:7:cart:42:ci:k");
        assert_eq!(idempotency(&id, "", "k"), "larder:{5}:idem:7:cart:42::k");
        assert_eq!(
            item(&ItemId::new("a{b}").unwrap()),
            format!("larder:{{{}}}:item:a{{b}}", Partition::of(&ItemId::new("a{b}").unwrap()))
        );
    }
}
