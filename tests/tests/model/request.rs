//! A write as a client would send it in the state that the store is in.

use std::time::Duration;

use larder_protocol::{Condition, Content, ItemId, Operation, Partition, Revisions, StreamId, Write, keys};

use crate::run::Run;
use crate::step::{Change, Never, Pick, Request, States, Ttl};

const LONG: Duration = Duration::from_secs(60 * 60);

/// Longer than a test takes.
pub const WAIT: Duration = Duration::from_secs(120);

/// Ends before the next commit.
pub const OVER: Duration = Duration::from_millis(1);

fn content(bytes: usize) -> Content {
    Content::new(Some("text/plain"), "\n".repeat(bytes).into_bytes()).expect("a media type")
}

fn duration(ttl: Ttl) -> Option<Duration> {
    match ttl {
        Ttl::None => None,
        Ttl::Long => Some(LONG),
        Ttl::Over => Some(OVER),
    }
}

impl Run<'_> {
    pub(crate) fn write(&self, id: &ItemId, request: &Request) -> Write {
        let operation = match request.change {
            Change::Put { bytes, ttl } => Operation::Put { content: content(bytes), ttl: duration(ttl) },
            Change::Replace { bytes } => Operation::Replace { content: content(bytes) },
            Change::Increment { by, ttl } => Operation::Increment { by, ttl: duration(ttl) },
            Change::Delete => Operation::Delete,
            Change::Barrier => Operation::Barrier,
        };
        let revisions = |states: &Option<States>| {
            states.as_ref().map(|states| match states {
                States::Any => Revisions::Any,
                States::These(picks) => Revisions::These(picks.iter().map(|&pick| self.pick(id, pick)).collect()),
            })
        };
        Write {
            operation,
            condition: Condition {
                if_match: revisions(&request.if_match),
                if_none_match: revisions(&request.if_none_match),
            },
            wait: request.wait.then_some(WAIT),
            idempotency: request.key.map(|(key, _)| keys::idempotency(id, "", &key.to_string())),
            trace: None,
        }
    }

    pub(crate) fn pick(&self, id: &ItemId, pick: Pick) -> StreamId {
        let shard = &self.model[&Partition::of(id)];
        let last = shard.last.unwrap_or(StreamId { ms: 7, seq: 0 });
        match pick {
            Pick::Current => shard.revision(id).unwrap_or(last),
            Pick::Seen(n) => shard.given.iter().rev().nth(n).copied().unwrap_or(last),
            Pick::Never(Never::Ancient) => StreamId { ms: 5, seq: 0 },
            Pick::Never(Never::Next) => StreamId { seq: last.seq + 1, ..last },
            Pick::Never(Never::Longer) => StreamId { ms: last.ms * 10, ..last },
            Pick::Never(Never::Last) => StreamId { ms: u64::MAX, seq: u64::MAX },
        }
    }
}
