//! Many items at once: listing them, reading and writing them in bulk, and following their changes.
//!
//! This room stands above those of one item and of a write, and uses both.

pub mod bulk;
pub mod changes;
pub mod listing;

use larder_protocol::partition;

/// How many ids, or changes, to ask of each partition for a page of `limit`. The hash spreads them evenly,
/// so each holds its share of a page, give or take a few standard deviations (a share's variance is its
/// size). Eight of them are never exceeded by chance. Where somebody chose ids that all fall into one
/// partition, a page holds fewer than `limit`.
fn share(limit: usize) -> usize {
    let share = limit.div_ceil(usize::from(partition::COUNT));
    limit.min(share + 8 * (share.isqrt() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pages_are_asked_of_each_partition_in_full() {
        assert_eq!([1, 2, 9].map(share), [1, 2, 9]);
        assert!(share(1_000) < 1_000 / 4);
    }
}
