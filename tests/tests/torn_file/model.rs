//! What the writes of a partition come to when they are applied one after the other: the
//! semantics in plain Rust, to compare Redis with.

use std::collections::BTreeMap;

use larder_protocol::{Condition, ItemId, NotAdded, Operation, Outcome, Revisions, StreamId, Write};

/// A write that is in the file.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub revision: StreamId,
    pub id: ItemId,
    pub write: Write,
}

/// An item as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub revision: StreamId,
    pub expires_at_ms: Option<u64>,
    pub content: Vec<u8>,
}

/// All that a partition holds beside its channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub items: BTreeMap<String, Stored>,
    /// Why writes were rejected, and whose they were.
    pub rejected: BTreeMap<StreamId, String>,
    /// What those who wait are told, each element of each list.
    pub told: BTreeMap<StreamId, Vec<String>>,
    /// The idempotency records.
    pub remembered: BTreeMap<String, String>,
}

/// What the channel holds and what the rest does, once these writes are accepted and the first
/// `applied` of them applied.
pub fn state(writes: &[Accepted], applied: usize) -> State {
    let mut state = State::default();
    for Accepted { revision, write, .. } in writes {
        if let Some(record) = &write.idempotency {
            state.remembered.insert(record.clone(), format!("{revision} digest"));
        }
    }
    for write in &writes[..applied] {
        state.apply(write);
    }
    state
}

impl State {
    fn apply(&mut self, Accepted { revision, id, write }: &Accepted) {
        let current = self.items.get(id.as_str()).map(|item| item.revision);
        let outcome = if !holds(&write.condition, current) {
            Outcome::Rejected { current }
        } else {
            match &write.operation {
                Operation::Put { content, ttl } => {
                    let expires_at_ms = ttl.and_then(|ttl| Some(revision.ms + u64::try_from(ttl.as_millis()).ok()?));
                    let content = content.encode();
                    self.items
                        .insert(id.as_str().to_owned(), Stored { revision: *revision, expires_at_ms, content })
                        .map_or(Outcome::Created, |_| Outcome::Replaced)
                }
                Operation::Replace { content } => self.store(*revision, id, content.encode()),
                Operation::Increment { by, .. } => self.increment(*revision, id, *by),
                Operation::Delete => self.items.remove(id.as_str()).map_or(Outcome::Absent, |_| Outcome::Deleted),
                Operation::Barrier => Outcome::Passed,
            }
        };
        if matches!(outcome, Outcome::Rejected { .. } | Outcome::NotAdded(_)) {
            self.rejected.insert(*revision, format!("{outcome}\n{id}"));
        }
        if write.wait.is_some() {
            self.told.insert(*revision, vec![outcome.to_string()]);
        }
        if let Some(record) = write.idempotency.as_ref().and_then(|key| self.remembered.get_mut(key)) {
            record.push_str(&format!(" {outcome}\n"));
        }
    }
}

const NUMBER: &str = "text/plain\n\n";

impl State {
    /// Stores what ends when the item before would have ended.
    fn store(&mut self, revision: StreamId, id: &ItemId, content: Vec<u8>) -> Outcome {
        let expires_at_ms = self.items.get(id.as_str()).and_then(|item| item.expires_at_ms);
        let before = self.items.insert(id.as_str().to_owned(), Stored { revision, expires_at_ms, content });
        before.map_or(Outcome::Created, |_| Outcome::Replaced)
    }

    fn increment(&mut self, revision: StreamId, id: &ItemId, by: i64) -> Outcome {
        let content = self.items.get(id.as_str()).map(|item| String::from_utf8_lossy(&item.content).into_owned());
        let number = content.as_deref().map_or(Some("0"), |content| content.strip_prefix(NUMBER));
        let Some(number) = number.and_then(|number| number.parse::<i64>().ok()) else {
            return Outcome::NotAdded(NotAdded::NoInteger);
        };
        let Some(value) = number.checked_add(by) else { return Outcome::NotAdded(NotAdded::Overflow) };
        self.store(revision, id, format!("{NUMBER}{value}").into_bytes());
        Outcome::Incremented(value)
    }
}

fn holds(condition: &Condition, current: Option<StreamId>) -> bool {
    let named = |states: &Revisions| match (states, current) {
        (_, None) => false,
        (Revisions::Any, Some(_)) => true,
        (Revisions::These(ids), Some(current)) => ids.contains(&current),
    };
    condition.if_match.as_ref().is_none_or(named) && !condition.if_none_match.as_ref().is_some_and(named)
}
