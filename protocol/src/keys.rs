//! The names of everything Larder keeps in Redis. No other place spells one out.

use crate::token::Name;
use crate::{ItemId, Partition, Revision};

/// With the partition's hash tag, so that all of its keys share a slot of a cluster.
fn of(p: Partition, what: &str) -> String {
    format!("larder:{{{}}}:{what}", p.tag())
}

/// The sharded pub/sub channel on which accepting a write rings the workers of the partition: the
/// message is its number where its stream went from empty to non-empty, or [`ROSTER_CHANGED`].
#[must_use]
pub fn doorbell(p: Partition) -> String {
    of(p, "doorbell")
}

/// The other message on the doorbell: a worker has signed off, so the others look at once who
/// lives. Who does not know it ignores it, as all that is no partition's number.
pub const ROSTER_CHANGED: &str = "workers";

/// Sorted set: the workers that live, by the time of their last heartbeat in ms. It is kept once for
/// all partitions of a master, in the first of them: on one Redis, in partition 0.
#[must_use]
pub fn workers(p: Partition) -> String {
    of(p, "workers")
}

/// Sorted set: the requests that wait for changes on WASI 0.2, by the moment in ms until which each has its place. There
/// is one, in the partition `p`.
#[must_use]
pub fn followers(p: Partition) -> String {
    of(p, "followers")
}

/// Hash: the format of the partition's data (see [`crate::format`]), and the terms of the primaries that gave out the
/// IDs of writes (see `fragment/term.lua`). Where there are any, the IDs of changes have terms, too. The format is here
/// because each script that writes reads this: one more key is one more that Redis has to find in the same place while
/// the partition moves.
#[must_use]
pub fn terms(p: Partition) -> String {
    of(p, "terms")
}

/// What every key of an item starts with; the id follows.
#[must_use]
pub fn item_prefix(p: Partition) -> String {
    of(p, "item:")
}

/// String: the item, as [`crate::Item`] reads it.
#[must_use]
pub fn item(id: &ItemId) -> String {
    item_prefix(Partition::of(id)) + id.as_str()
}

/// Stream: the writes of the partition that are accepted and not yet applied.
#[must_use]
pub fn writes(p: Partition) -> String {
    of(p, "writes")
}

/// Sorted set, all scores 0: the ids that exist, in byte order.
#[must_use]
pub fn index(p: Partition) -> String {
    of(p, "index")
}

/// Sorted set: the ids that have a time to live, by the moment it ends in ms.
#[must_use]
pub fn expiry(p: Partition) -> String {
    of(p, "expiry")
}

/// Stream: the entries that could not be applied, with the reason.
#[must_use]
pub fn dead(p: Partition) -> String {
    of(p, "dead")
}

/// String, for the time of one addition inside the commit script; at any other time there is no such key. So a
/// script that builds keys by itself declares this one too: Redis refuses to run it (`TRYAGAIN`, `ASK`) while the
/// partition moves from one master of a cluster to another, where it would find some keys and miss others.
#[must_use]
pub fn scratch(p: Partition) -> String {
    of(p, "scratch")
}

/// Stream: the changes that were applied to the items, as far back as they are kept. Where none are kept
/// there is none.
#[must_use]
pub fn changes(p: Partition) -> String {
    of(p, "changes")
}

/// Stream: the writes that were not applied, each under its own ID, with the [`crate::Outcome`] and the item's id. The hash
/// of [`terms`] has the time in ms up to which they are forgotten, `forgotten`.
#[must_use]
pub fn rejected(p: Partition) -> String {
    of(p, "rejected")
}

/// Stream: those of the stream of [`writes`] that are large, each under the same ID, with the item's id (see
/// `fragment/large.lua`).
#[must_use]
pub fn large(p: Partition) -> String {
    of(p, "large")
}

/// What every list that tells an outcome starts with; the write's stream ID follows.
#[must_use]
pub fn outcome_prefix(p: Partition) -> String {
    of(p, "outcome:")
}

/// List: the [`crate::Outcome`] of a write that somebody waits for, until it is read.
#[must_use]
pub fn outcome(revision: Revision) -> String {
    outcome_prefix(revision.partition) + &revision.id.to_string()
}

/// String, for a millisecond: what replicas must have, and with it all before, so that an outcome is told.
#[must_use]
pub fn confirmation(p: Partition) -> String {
    of(p, "confirmation")
}

/// String: the write that this `Idempotency-Key` made, `<stream ID> <digest>[ <outcome>]`. A key
/// belongs to its item and to its owner, the name of the token that it came with (empty in an open
/// store, never with a colon). The length of the id keeps two keys apart whatever colons they have.
#[must_use]
pub fn idempotency(id: &ItemId, owner: &str, key: &str) -> String {
    let (p, id) = (Partition::of(id), id.as_str());
    of(p, &format!("idem:{}:{id}:{owner}:{key}", id.len()))
}

/// The partition that counts the requests of the tokens of this name: that of an item with the name as its id.
///
/// # Panics
/// Never: what may be a name may be an id.
#[must_use]
pub fn rate_partition(name: &Name) -> Partition {
    Partition::of(&ItemId::new(name.as_str()).expect("a name is a valid id"))
}

/// String: when the tokens of this name may send their whole burst again, in microseconds.
#[must_use]
pub fn rate(name: &Name) -> String {
    of(rate_partition(name), &format!("rate:{}", name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: these names are on disk.
    #[test]
    fn names_never_change() {
        let p = Partition::new(12).unwrap();
        assert_eq!(item_prefix(p), "larder:{12dyr}:item:");
        assert_eq!(writes(p), "larder:{12dyr}:writes");
        assert_eq!(terms(p), "larder:{12dyr}:terms");
        assert_eq!(index(p), "larder:{12dyr}:index");
        assert_eq!(expiry(p), "larder:{12dyr}:expiry");
        assert_eq!(dead(p), "larder:{12dyr}:dead");
        assert_eq!(workers(p), "larder:{12dyr}:workers");
        assert_eq!(doorbell(p), "larder:{12dyr}:doorbell");
        assert_eq!(scratch(p), "larder:{12dyr}:scratch");
        assert_eq!(changes(p), "larder:{12dyr}:changes");
        assert_eq!(rejected(p), "larder:{12dyr}:rejected");
        assert_eq!(large(p), "larder:{12dyr}:large");
        assert_eq!(confirmation(p), "larder:{12dyr}:confirmation");
        assert_eq!(followers(p), "larder:{12dyr}:followers");
        let revision = "12-5-0".parse().unwrap();
        assert_eq!(outcome(revision), "larder:{12dyr}:outcome:5-0");
        let id = ItemId::new("cart:42").unwrap();
        assert_eq!(idempotency(&id, "ci", "k"), "larder:{5hpy}:idem:7:cart:42:ci:k");
        assert_eq!(idempotency(&id, "", "k"), "larder:{5hpy}:idem:7:cart:42::k");
        let id = ItemId::new("a{b}").unwrap();
        assert_eq!(item(&id), format!("larder:{{{}}}:item:a{{b}}", Partition::of(&id).tag()));
        assert_eq!(rate(&"123456789".parse().unwrap()), "larder:{3fyy}:rate:123456789");
    }
}
