//! The semantics of one partition, in plain Rust: the specification that the scripts are held to.
//!
//! It knows nothing of Redis but two things that only Redis can tell: the ID of an accepted
//! write, and the time. What it says of an entry is what DESIGN.md promises, in the order in
//! which a reader would ask; how the scripts get there is theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use larder_protocol::{Head, Item, ItemId, Metadata, NotAdded, Operation, Outcome, Revisions, StreamId, Write};

use crate::entry::Entry;

/// One partition.
#[derive(Default)]
pub struct Shard {
    pub items: BTreeMap<ItemId, Held>,
    pub index: BTreeSet<ItemId>,
    pub expiry: BTreeMap<ItemId, u64>,
    /// Accepted and not yet applied, in order.
    pub pending: BTreeMap<StreamId, Entry>,
    /// The last ID that was given out.
    pub last: Option<StreamId>,
    pub given: Vec<StreamId>,
    /// By Redis key.
    pub records: BTreeMap<String, Record>,
    /// With the id of the item that each was for.
    pub rejections: BTreeMap<StreamId, (Outcome, String)>,
    /// What those who asked for the outcome of a write are told.
    pub told: BTreeMap<StreamId, Outcome>,
    pub dead: Vec<Dead>,
    /// What the feed tells, in order: the fields of each entry.
    pub changes: Vec<[String; 8]>,
    /// Ids whose index and expiry an interrupted commit may have changed ahead of the item.
    pub doubtful: BTreeSet<ItemId>,
}

/// What is at the key of an item.
pub enum Held {
    Item(Item),
    /// A string that is no item: it is there, and is in no state that anybody could name.
    Text,
    /// No string at all.
    List,
}

/// What is at the key of an idempotency record.
pub enum Record {
    Of { revision: StreamId, digest: String, outcome: Option<Outcome> },
    List,
}

/// An entry that could not be applied.
pub struct Dead {
    pub revision: StreamId,
    pub reason: String,
    pub entry: Entry,
}

/// The answer to a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Acceptance {
    Accepted,
    Full(usize),
    Rejected(Option<StreamId>),
    Repeated(StreamId, Option<Outcome>),
    Reused,
    /// A key that the script must read holds something else.
    WrongType,
}

/// What becomes of a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    Pending,
    NotApplied(Outcome),
    Unknown,
    Gone,
    Applied,
}

impl Shard {
    /// How a write is answered that arrives now.
    pub fn accept(&self, id: &ItemId, write: &Write, digest: &str, max_pending: usize) -> Acceptance {
        match write.idempotency.as_ref().and_then(|key| self.records.get(key)) {
            Some(Record::List) => return Acceptance::WrongType,
            Some(Record::Of { digest: earlier, .. }) if earlier != digest => return Acceptance::Reused,
            Some(Record::Of { revision, outcome, .. }) => return Acceptance::Repeated(*revision, outcome.clone()),
            None => {}
        }
        if self.pending.len() >= max_pending {
            return Acceptance::Full(self.pending.len());
        }
        // A refusal is said at once only where it is certain and nobody may ask for it again.
        if self.pending.is_empty() && write.idempotency.is_none() && !write.condition.is_none() {
            if matches!(self.items.get(id), Some(Held::List)) {
                return Acceptance::WrongType;
            }
            if !self.holds(id, write) {
                return Acceptance::Rejected(self.revision(id));
            }
        }
        Acceptance::Accepted
    }

    /// Takes an entry whose ID Redis has given out.
    pub fn queue(&mut self, revision: StreamId, entry: Entry, digest: &str) {
        if let Entry::Write { write: Write { idempotency: Some(key), .. }, .. } = &entry {
            let record = Record::Of { revision, digest: digest.to_owned(), outcome: None };
            self.records.insert(key.clone(), record);
        }
        self.last = Some(revision);
        self.given.push(revision);
        self.pending.insert(revision, entry);
    }

    /// The head of the channel comes to its end.
    pub fn settle_head(&mut self, now: u64) -> Option<Outcome> {
        let (revision, entry) = self.pending.pop_first()?;
        let outcome = match &entry {
            Entry::Malformed { reason, .. } => Outcome::Dead((*reason).to_owned()),
            Entry::Write { id, write } => self.judge(id, write).unwrap_or_else(|| self.apply(revision, id, write, now)),
        };
        if matches!(outcome, Outcome::Rejected { .. } | Outcome::NotAdded(_) | Outcome::Dead(_)) {
            self.rejections.insert(revision, (outcome.clone(), entry.id()));
        }
        if let Entry::Write { write, .. } = &entry {
            // A record that was made again since is another write's.
            match write.idempotency.as_ref().and_then(|key| self.records.get_mut(key)) {
                Some(Record::Of { revision: of, outcome: told, .. }) if *of == revision => {
                    *told = Some(outcome.clone());
                }
                _ => {}
            }
            if write.wait.is_some() {
                self.told.insert(revision, outcome.clone());
            }
        }
        if let Outcome::Dead(reason) = &outcome {
            self.dead.push(Dead { revision, reason: reason.clone(), entry });
        }
        Some(outcome)
    }

    /// The outcome of a write that changes nothing, and none for one that does.
    pub fn judge(&self, id: &ItemId, write: &Write) -> Option<Outcome> {
        if write.operation == Operation::Barrier {
            return Some(Outcome::Passed);
        }
        if matches!(self.items.get(id), Some(Held::List)) {
            return Some(Outcome::Dead("the key of the item holds something else".to_owned()));
        }
        if !self.holds(id, write) {
            return Some(Outcome::Rejected { current: self.revision(id) });
        }
        match write.operation {
            Operation::Increment { by, .. } => self.sum(id, by).err().map(Outcome::NotAdded),
            _ => None,
        }
    }

    /// What an item holds with so much added to it; one that is not there holds 0.
    fn sum(&self, id: &ItemId, by: i64) -> Result<i64, NotAdded> {
        let integer = match self.items.get(id) {
            None => Some(0),
            Some(Held::Item(Item { value, .. })) => String::from_utf8_lossy(value).parse::<i64>().ok(),
            Some(Held::Text | Held::List) => None,
        };
        integer.ok_or(NotAdded::NoInteger)?.checked_add(by).ok_or(NotAdded::Overflow)
    }

    /// Whether the time of the item has run out, and the feed has yet to hear of it.
    pub fn is_overdue(&self, id: &ItemId) -> bool {
        self.expiry.contains_key(id) && !self.items.contains_key(id)
    }

    /// A worker has come by: there is a feed now, if there was none.
    pub fn open_feed(&mut self) {
        if self.changes.is_empty() {
            self.changes.push(change("start", "", None, None));
        }
    }

    fn apply(&mut self, revision: StreamId, id: &ItemId, write: &Write, now: u64) -> Outcome {
        let sum = match write.operation {
            Operation::Increment { by, .. } => self.sum(id, by).ok(),
            _ => None,
        };
        if self.is_overdue(id) {
            self.changes.push(change("expire", id.as_str(), None, None));
        }
        self.doubtful.remove(id);
        self.index.remove(id);
        self.expiry.remove(id);
        let before = self.items.remove(id);
        let (existed, earlier_end) = (before.is_some(), before.as_ref().and_then(Held::expires_at_ms));
        let after =
            |ttl: Duration| revision.ms + u64::try_from(ttl.as_millis()).expect("the TTLs of the steps are short");
        let (value, expires_at_ms) = match &write.operation {
            Operation::Put { content, ttl } => (content.value().to_vec(), ttl.map(after)),
            Operation::Replace { content } => (content.value().to_vec(), earlier_end),
            Operation::Increment { ttl, .. } => {
                let sum = sum.expect("what cannot be added was judged before");
                (sum.to_string().into_bytes(), ttl.map(after).or(earlier_end))
            }
            Operation::Delete | Operation::Barrier => {
                if !existed {
                    return Outcome::Absent;
                }
                self.changes.push(change("delete", id.as_str(), Some(revision), None));
                return Outcome::Deleted;
            }
        };
        self.changes.push(change("put", id.as_str(), Some(revision), expires_at_ms));
        if expires_at_ms.is_some_and(|ends| ends <= now) {
            self.changes.push(change("expire", id.as_str(), None, None));
        } else {
            self.items.insert(id.clone(), Held::Item(item(revision, expires_at_ms, value)));
            self.index.insert(id.clone());
            self.expiry.extend(expires_at_ms.map(|ends| (id.clone(), ends)));
        }
        match sum {
            Some(sum) => Outcome::Incremented(sum),
            None if existed => Outcome::Replaced,
            None => Outcome::Created,
        }
    }

    /// Forgets ids whose time is over; tells how many were looked at, and how many went.
    pub fn expire(&mut self, now: u64) -> (usize, usize) {
        let due: Vec<ItemId> = self.expiry.iter().filter(|(_, ends)| **ends <= now).map(|(id, _)| id.clone()).collect();
        let before = self.index.len();
        for id in &due {
            self.expiry.remove(id);
            match self.items.get(id) {
                // It counts by its own time to live.
                Some(Held::Item(Item { head: Head { expires_at_ms: Some(ends), .. }, .. })) => {
                    self.expiry.insert(id.clone(), *ends);
                }
                Some(_) => {}
                None => {
                    self.changes.push(change("expire", id.as_str(), None, None));
                    self.index.remove(id);
                }
            }
        }
        (due.len(), before - self.index.len())
    }

    /// What is told of a write to who asks about this item.
    pub fn progress(&self, id: &ItemId, asked: StreamId, too_old: u64) -> Progress {
        if let Some(entry) = self.pending.get(&asked) {
            if entry.id() == id.as_str() { Progress::Pending } else { Progress::Unknown }
        } else if let Some((outcome, of)) = self.rejections.get(&asked) {
            if of == id.as_str() { Progress::NotApplied(outcome.clone()) } else { Progress::Unknown }
        } else if Some(asked) > self.last {
            Progress::Unknown
        } else if asked.ms < too_old {
            Progress::Gone
        } else {
            Progress::Applied
        }
    }

    /// The revision of an item, where it has one.
    pub fn revision(&self, id: &ItemId) -> Option<StreamId> {
        match self.items.get(id)? {
            Held::Item(item) => Some(item.head.revision),
            Held::Text | Held::List => None,
        }
    }

    /// Whether the condition of a write holds (RFC 9110 §13.1).
    fn holds(&self, id: &ItemId, write: &Write) -> bool {
        let named = |states: &Revisions| match states {
            Revisions::Any => self.items.contains_key(id),
            Revisions::These(ids) => self.revision(id).is_some_and(|current| ids.contains(&current)),
        };
        write.condition.if_match.as_ref().is_none_or(named)
            && !write.condition.if_none_match.as_ref().is_some_and(named)
    }
}

impl Held {
    fn expires_at_ms(&self) -> Option<u64> {
        match self {
            Self::Item(item) => item.head.expires_at_ms,
            Self::Text | Self::List => None,
        }
    }
}

/// What the feed tells of one change.
fn change(op: &str, id: &str, revision: Option<StreamId>, expires: Option<u64>) -> [String; 8] {
    let revision = revision.map_or("-".to_owned(), |revision| revision.to_string());
    let expires = expires.map_or("-".to_owned(), |expires| expires.to_string());
    ["op", op, "id", id, "revision", &revision, "expires", &expires].map(str::to_owned)
}

fn item(revision: StreamId, expires_at_ms: Option<u64>, value: Vec<u8>) -> Item {
    let (content_type, metadata) = ("text/plain".to_owned(), Metadata::default());
    Item { head: Head { revision, expires_at_ms, content_type, metadata }, value }
}
