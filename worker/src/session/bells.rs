//! One bell per partition, by which whoever hears of writes wakes the committer.
//!
//! A bell that is rung while its committer is busy stays rung, so no ring is lost; ringing it
//! again changes nothing, so no ring is too many.

use std::sync::atomic::{AtomicBool, Ordering};

use larder_protocol::{Partition, partition};
use metrics::Counter;
use tokio::sync::Notify;

use crate::metric;

/// The bells of all partitions.
pub struct Bells {
    bells: [Bell; partition::COUNT as usize],
    doorbell: Counter,
    sweep: Counter,
    takeover: Counter,
}

#[derive(Default)]
struct Bell {
    rung: Notify,
    /// Whether the committer waits for it.
    asleep: AtomicBool,
}

/// Who rings.
#[derive(Clone, Copy)]
pub enum Cause {
    /// A write into an empty stream.
    Doorbell,
    /// The sweep, which found writes.
    Sweep,
    /// The worker itself, which answers for other partitions than before.
    Takeover,
}

impl Bells {
    pub fn new() -> Self {
        Self {
            bells: std::array::from_fn(|_| Bell::default()),
            doorbell: metric::wakeups("doorbell"),
            sweep: metric::wakeups("sweep"),
            takeover: metric::wakeups("takeover"),
        }
    }

    /// Wakes the committer of `p`, now or as soon as it listens again. It counts who woke it, if it slept.
    pub fn ring(&self, p: Partition, cause: Cause) {
        let bell = &self.bells[p.index()];
        if bell.asleep.swap(false, Ordering::Relaxed) {
            let counter = match cause {
                Cause::Doorbell => &self.doorbell,
                Cause::Sweep => &self.sweep,
                Cause::Takeover => &self.takeover,
            };
            counter.increment(1);
        }
        bell.rung.notify_one();
    }

    /// Wakes all committers: something may have been missed.
    pub fn ring_all(&self) {
        Partition::all().for_each(|p| self.ring(p, Cause::Takeover));
    }

    /// Waits for a ring of `p`. One listener per bell.
    pub async fn rung(&self, p: Partition) {
        let bell = &self.bells[p.index()];
        bell.asleep.store(true, Ordering::Relaxed);
        bell.rung.notified().await;
        bell.asleep.store(false, Ordering::Relaxed);
    }
}
