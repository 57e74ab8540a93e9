//! Which worker listens to the doorbell of which partition.
//!
//! Rendezvous hashing (highest random weight): every worker weighs each live worker against each
//! partition in the same way, and the heaviest owns it. No worker has to ask another, and one that
//! comes or goes moves only its own partitions. While two disagree, for as long as a heartbeat
//! takes to be seen, a partition is rung twice or waits for the sweep, and both are harmless.

use std::sync::atomic::{AtomicU64, Ordering};

use larder_protocol::Partition;
use xxhash_rust::xxh3::xxh3_64;

use crate::partitions::Partitions;

/// Which of a master's partitions this worker owns.
pub struct Ownership {
    partitions: Partitions,
    owned: AtomicU64,
}

impl Ownership {
    /// All of `partitions`, until it is known who else lives.
    pub fn of_all(partitions: Partitions) -> Self {
        Self { partitions, owned: AtomicU64::new(partitions.bits()) }
    }

    pub fn owns(&self, p: Partition) -> bool {
        self.owned().contains(p)
    }

    /// Recomputes from the names of the live workers. Answers whether anything changed.
    pub fn update(&self, name: &str, live: &[Vec<u8>]) -> bool {
        let mine = |p: &Partition| owner(*p, live).is_some_and(|owner| owner == name.as_bytes());
        let mine: Partitions = self.partitions.iter().filter(mine).collect();
        self.owned.swap(mine.bits(), Ordering::Relaxed) != mine.bits()
    }

    /// How many partitions this worker owns.
    pub fn count(&self) -> usize {
        self.owned().len()
    }

    fn owned(&self) -> Partitions {
        Partitions::from_bits(self.owned.load(Ordering::Relaxed))
    }
}

/// The live worker that owns `p`.
fn owner(p: Partition, live: &[Vec<u8>]) -> Option<&[u8]> {
    live.iter().map(Vec::as_slice).max_by_key(|name| (weight(name, p), *name))
}

/// XXH3-64 over the name and the partition's number as one byte. Workers of all versions must
/// agree on it.
fn weight(name: &[u8], p: Partition) -> u64 {
    let number = u8::try_from(p.index()).expect("a partition's number fits a byte");
    xxh3_64(&[name, &[number]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(n: usize) -> Vec<Vec<u8>> {
        (0..n).map(|n| format!("worker-{n}").into_bytes()).collect()
    }

    fn owners(live: &[Vec<u8>]) -> Vec<&[u8]> {
        Partition::all().map(|p| owner(p, live).unwrap()).collect()
    }

    #[test]
    fn every_partition_has_exactly_one_owner() {
        for n in 1..20 {
            let live = workers(n);
            let shares: Vec<usize> = live
                .iter()
                .map(|name| {
                    let ownership = Ownership::of_all(Partitions::all());
                    ownership.update(std::str::from_utf8(name).unwrap(), &live);
                    ownership.count()
                })
                .collect();
            assert_eq!(shares.iter().sum::<usize>(), Partitions::all().len(), "{shares:?}");
        }
    }

    #[test]
    fn the_order_of_the_names_does_not_matter() {
        let live = workers(5);
        let reversed: Vec<_> = live.iter().rev().cloned().collect();
        assert_eq!(owners(&live), owners(&reversed));
    }

    #[test]
    fn a_worker_that_goes_moves_only_its_own_partitions() {
        let before = workers(5);
        for gone in 0..5 {
            let mut after = before.clone();
            let gone = after.remove(gone);
            for (was, is) in owners(&before).into_iter().zip(owners(&after)) {
                assert!(was == is || was == gone);
            }
        }
    }

    #[test]
    fn a_lone_worker_owns_all_of_its_master_and_says_what_changed() {
        let partitions: Partitions = Partition::all().skip(20).collect();
        let ownership = Ownership::of_all(partitions);
        assert!(!ownership.update("worker-0", &workers(1)));
        assert_eq!(ownership.count(), partitions.len());
        assert!(ownership.update("worker-0", &workers(2)));
        assert!((1..partitions.len()).contains(&ownership.count()));
        assert!(ownership.update("worker-0", &workers(1)));
        assert!(Partition::all().all(|p| ownership.owns(p) == partitions.contains(p)));
    }

    /// Golden: workers of different versions must come to the same result.
    #[test]
    fn weights_never_change() {
        let p = Partition::new(7).unwrap();
        assert_eq!(weight(b"worker-0", p), 1_859_652_172_515_922_559);
    }
}
