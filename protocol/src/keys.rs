//! The names of everything Larder keeps in Redis. No other place spells one out.

use crate::{ItemId, Partition};

/// The pub/sub channel on which accepting a write rings the workers: the message is the
/// number of a partition whose stream went from empty to non-empty.
pub const DOORBELL: &str = "larder:writes";

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

/// What every key of a rejected write starts with; the entry's stream ID follows.
#[must_use]
pub fn rejected_prefix(p: Partition) -> String {
    format!("larder:{{{p}}}:rejected:")
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
        assert_eq!(rejected_prefix(p), "larder:{12}:rejected:");
        assert_eq!(
            item(&ItemId::new("a{b}").unwrap()),
            format!("larder:{{{}}}:item:a{{b}}", Partition::of(&ItemId::new("a{b}").unwrap()))
        );
    }
}
