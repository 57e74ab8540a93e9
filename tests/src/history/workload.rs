//! Many clients that do random things to few items, so that they meet often.
//!
//! Which operation comes next depends on the seed alone; what a condition names depends on what
//! its client was told before.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::future::join_all;
use larder_protocol::{ItemId, Partition, StreamId};

use super::client::{Client, Clock};
use super::operation::{Answer, Call, Change, Condition, Operation};
use crate::Larder;

/// How many items share each partition: order holds across the items of a partition, so some
/// must share one.
const NEIGHBOURS: [usize; 3] = [2, 2, 1];

/// Longest that a client thinks between two operations, in ms; after a refusal it thinks that
/// much longer.
const THINK_MS: u64 = 20;

/// Clients, and how they choose.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// How many there are.
    pub clients: usize,
    /// What they choose by.
    pub seed: u64,
}

/// Five items in three partitions.
#[must_use]
pub fn items(larder: &Larder) -> Vec<ItemId> {
    let mut by_partition: HashMap<Partition, Vec<ItemId>> = HashMap::new();
    for number in 0..500 {
        let id = larder.id(&format!("item-{number}"));
        by_partition.entry(Partition::of(&id)).or_default().push(id);
    }
    let mut partitions: Vec<_> = by_partition.into_iter().collect();
    partitions.sort_unstable_by_key(|(partition, _)| *partition);
    partitions.into_iter().zip(NEIGHBOURS).flat_map(|((_, ids), count)| ids.into_iter().take(count)).collect()
}

impl Workload {
    /// Lets the clients work until `stop` is set, and answers what they did.
    pub async fn run(self, larder: &Arc<Larder>, items: &[ItemId], clock: Clock, stop: &AtomicBool) -> Vec<Operation> {
        let sessions = (0..self.clients).map(|number| {
            let session = Session {
                client: Client::new(larder.clone(), number, clock),
                number,
                items,
                rng: Rng::with_seed(self.seed.wrapping_mul(1_000).wrapping_add(number as u64)),
                seen: HashMap::new(),
                newest: HashMap::new(),
                written: 0,
            };
            session.run(stop)
        });
        join_all(sessions).await.into_iter().flatten().collect()
    }
}

/// What a client remembers.
struct Session<'a> {
    client: Client,
    number: usize,
    items: &'a [ItemId],
    rng: Rng,
    /// The revision of each item when it was last seen; none where it was not there.
    seen: HashMap<usize, StreamId>,
    /// The highest revision of each partition that it knows.
    newest: HashMap<Partition, StreamId>,
    written: u64,
}

impl Session<'_> {
    async fn run(mut self, stop: &AtomicBool) -> Vec<Operation> {
        let mut operations = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let item = self.rng.usize(..self.items.len());
            let call = self.choose(item);
            let operation = self.client.perform(item, &self.items[item], call).await;
            self.learn(&operation);
            let think = self.rng.u64(..THINK_MS) + if operation.answer == Answer::Refused { THINK_MS } else { 0 };
            operations.push(operation);
            tokio::time::sleep(Duration::from_millis(think)).await;
        }
        operations
    }

    fn choose(&mut self, item: usize) -> Call {
        let kind = self.rng.u32(..100);
        let wait = self.rng.bool();
        let newest = self.newest.get(&Partition::of(&self.items[item])).copied();
        let seen = self.seen.get(&item).map_or(Condition::Absent, |revision| Condition::At(*revision));
        let put = Change::Put(self.next_value());
        match kind {
            0..28 => Call::Read { at_least: None },
            28..38 => Call::Read { at_least: newest },
            38..66 => Call::Write { change: put, condition: Condition::Always, wait },
            66..74 => Call::Write { change: Change::Delete, condition: Condition::Always, wait },
            // With a condition one waits; a few do not, and are told their fate at the end.
            74..86 => Call::Write { change: put, condition: seen, wait: kind < 84 },
            86..94 => Call::Write { change: put, condition: Condition::Absent, wait: kind < 93 },
            94..97 => Call::Write { change: put, condition: Condition::Present, wait: true },
            _ => Call::Write { change: Change::Delete, condition: seen, wait: true },
        }
    }

    /// A value that no other write of the history has.
    fn next_value(&mut self) -> u64 {
        self.written += 1;
        self.number as u64 * 1_000_000 + self.written
    }

    fn learn(&mut self, operation: &Operation) {
        let current = match (&operation.answer, &operation.call) {
            (Answer::Found { revision, .. }, _) => Some(*revision),
            (Answer::Failed { current }, _) => *current,
            (Answer::Missing, _) => None,
            (answer, Call::Write { change: Change::Put(_), .. }) if answer.acknowledged().is_some() => {
                answer.acknowledged()
            }
            (Answer::Applied { .. }, _) => None,
            _ => return,
        };
        match current {
            Some(revision) => self.seen.insert(operation.item, revision),
            None => self.seen.remove(&operation.item),
        };
        if let Some(revision) = current.max(operation.answer.acknowledged()) {
            let newest = self.newest.entry(Partition::of(&self.items[operation.item])).or_insert(revision);
            *newest = revision.max(*newest);
        }
    }
}
