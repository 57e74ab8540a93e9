//! What clients did and what they were told: the history.

use std::collections::HashMap;
use std::fmt;

use larder_protocol::{ItemId, Partition, Revision, StreamId};

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Who sent it; a client sends one after the other.
    pub client: usize,
    /// The item, as an index into [`History::items`].
    pub item: usize,
    /// What was asked.
    pub call: Call,
    /// What was answered.
    pub answer: Answer,
    /// When it was sent, in ns of the history's clock.
    pub invocation: u64,
    /// When the answer was there, or given up.
    pub completion: u64,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `GET`, with `Larder-Min-Revision` where there is one.
    Read {
        /// The oldest state that the client takes.
        at_least: Option<StreamId>,
    },
    /// `PUT` or `DELETE`.
    Write {
        /// What shall happen.
        change: Change,
        /// When.
        condition: Condition,
        /// Whether `Prefer: wait` is sent.
        wait: bool,
    },
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stores a value that no other write stores.
    Put(u64),
    /// Removes the item.
    Delete,
}

/// The precondition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// None.
    Always,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: *`
    Present,
    /// `If-Match: "<revision>"`
    At(StreamId),
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200
    Found {
        /// The `ETag`.
        revision: StreamId,
        /// The body.
        value: u64,
    },
    /// 404
    Missing,
    /// 202: accepted, and applied at some time unless its condition fails.
    Accepted(StreamId),
    /// 201 or 204: accepted and applied.
    Applied {
        /// `Larder-Revision`
        revision: StreamId,
        /// Whether there was an item before; a `DELETE` does not tell.
        existed: Option<bool>,
    },
    /// 412
    Failed {
        /// The `ETag` of the item, if it exists.
        current: Option<StreamId>,
    },
    /// Certainly not done: never sent, or refused with the word that nothing was written.
    Refused,
    /// No answer, or one that leaves it open.
    Unknown,
    /// An answer that no request of ours should get.
    Surprise(String),
}

/// What `GET /writes/{revision}` says of a write once everything is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its change was made.
    Applied,
    /// It was not.
    Rejected,
    /// The store knows nothing of it.
    Lost,
}

/// Everything that is known after a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The items that the clients shared.
    pub items: Vec<ItemId>,
    /// What happened to them, in no particular order.
    pub operations: Vec<Operation>,
    /// What became of each acknowledged write.
    pub fates: HashMap<Revision, Fate>,
    /// The last operations of the history: one read of each item after everything is drained.
    pub last_reads: Vec<Operation>,
}

impl History {
    /// The partition of an item.
    #[must_use]
    pub fn partition(&self, item: usize) -> Partition {
        Partition::of(&self.items[item])
    }

    /// The revision of an item's partition with this stream ID.
    #[must_use]
    pub fn revision(&self, item: usize, id: StreamId) -> Revision {
        Revision { partition: self.partition(item), id }
    }
}

impl Answer {
    /// The revision of a write that was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Option<StreamId> {
        match self {
            Self::Accepted(revision) | Self::Applied { revision, .. } => Some(*revision),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |ns: u64| ns / 1_000;
        let (from, to) = (ms(self.invocation), ms(self.completion));
        write!(f, "{from:>9} to {to:>9} us, client {:>2}, item {}: ", self.client, self.item)?;
        match &self.call {
            Call::Read { at_least: None } => f.write_str("read")?,
            Call::Read { at_least: Some(revision) } => write!(f, "read from {revision}")?,
            Call::Write { change, condition, wait } => {
                match change {
                    Change::Put(value) => write!(f, "put {value}")?,
                    Change::Delete => f.write_str("delete")?,
                }
                match condition {
                    Condition::Always => {}
                    Condition::Absent => f.write_str(" if absent")?,
                    Condition::Present => f.write_str(" if present")?,
                    Condition::At(revision) => write!(f, " if at {revision}")?,
                }
                f.write_str(if *wait { ", waiting" } else { "" })?;
            }
        }
        match &self.answer {
            Answer::Found { revision, value } => write!(f, " -> {value} at {revision}"),
            Answer::Missing => f.write_str(" -> missing"),
            Answer::Accepted(revision) => write!(f, " -> accepted {revision}"),
            Answer::Applied { revision, existed: None } => write!(f, " -> applied {revision}"),
            Answer::Applied { revision, existed: Some(true) } => write!(f, " -> replaced by {revision}"),
            Answer::Applied { revision, existed: Some(false) } => write!(f, " -> created {revision}"),
            Answer::Failed { current: Some(revision) } => write!(f, " -> failed, it is at {revision}"),
            Answer::Failed { current: None } => f.write_str(" -> failed, it is not there"),
            Answer::Refused => f.write_str(" -> refused"),
            Answer::Unknown => f.write_str(" -> unknown"),
            Answer::Surprise(what) => write!(f, " -> {what}"),
        }
    }
}
