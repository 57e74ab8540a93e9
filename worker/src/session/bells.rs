//! One bell per partition, by which whoever hears of writes wakes the committer.
//!
//! A bell that is rung while its committer is busy stays rung, so no ring is lost; ringing it
//! again changes nothing, so no ring is too many.

use larder_protocol::{Partition, partition};
use tokio::sync::Notify;

/// The bells of all partitions.
pub struct Bells([Notify; partition::COUNT as usize]);

impl Bells {
    pub fn new() -> Self {
        Self(std::array::from_fn(|_| Notify::new()))
    }

    /// Wakes the committer of `p`, now or as soon as it listens again.
    pub fn ring(&self, p: Partition) {
        self.0[p.index()].notify_one();
    }

    /// Wakes all committers: something may have been missed.
    pub fn ring_all(&self) {
        Partition::all().for_each(|p| self.ring(p));
    }

    /// Waits for a ring of `p`. One listener per bell.
    pub async fn rung(&self, p: Partition) {
        self.0[p.index()].notified().await;
    }
}
