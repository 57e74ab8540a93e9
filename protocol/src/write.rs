//! A write on its way from the component to the commit script: the fields of a stream entry.
//!
//! ```text
//! op put        id <id>  ttl <ms, - or keep>  item <content>  …
//! op increment  id <id>  ttl <ms, - or keep>  by <integer>  …
//! op delete     id <id>  …
//! op barrier    id <id>  …
//! ```
//!
//! The order of these is part of the format: the commit script reads them by position. Behind
//! them, each at most once and only where it applies: `if-match` and `if-none-match`
//! ([`Condition`]), `wait` (somebody waits for the outcome, for so many ms), `idem` (the key
//! that remembers the outcome), `traceparent` (the trace of the request). An entry that has anything else is refused by the script. A
//! time to live counts from the moment of acceptance, which is the entry's own ID, so that no
//! clock but Redis' is involved; `-` is none, and `keep` leaves the moment at which the item ends as
//! it is.

use std::fmt;
use std::time::Duration;

use crate::{Content, ItemId, StreamId, TraceParent};

/// One change to one item, and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What shall happen.
    pub operation: Operation,
    /// Under which condition.
    pub condition: Condition,
    /// How long somebody waits for the outcome, counted from acceptance; whole milliseconds.
    pub wait: Option<Duration>,
    /// The Redis key that remembers the write for its `Idempotency-Key`.
    pub idempotency: Option<String>,
    /// The trace of the request that sent it.
    pub trace: Option<TraceParent>,
}

/// What shall happen to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Store this content, and forget it after the time to live if there is one.
    Put {
        /// The value and its type.
        content: Content,
        /// How long the item shall live, counted from acceptance; whole milliseconds.
        ttl: Option<Duration>,
    },
    /// Store this content, and forget it when the item would have ended that it replaces.
    Replace {
        /// The value and its type.
        content: Content,
    },
    /// Add to the integer that the item holds; one that is not there holds 0. Type and metadata
    /// stay as they are.
    Increment {
        /// How much.
        by: i64,
        /// How long the item shall live, as for [`Operation::Put`]; as long as before where there is none.
        ttl: Option<Duration>,
    },
    /// Remove the item.
    Delete,
    /// Change nothing: once it has passed, everything accepted before it is applied.
    Barrier,
}

/// What must hold of the item when the write is its partition's turn (RFC 9110 §13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The item must be in one of these states.
    pub if_match: Option<Revisions>,
    /// The item must be in none of these states.
    pub if_none_match: Option<Revisions>,
}

/// Some states of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// `*`: any, as long as the item exists.
    Any,
    /// These; an empty list is no state at all.
    These(Vec<StreamId>),
}

impl From<Operation> for Write {
    fn from(operation: Operation) -> Self {
        Self { operation, condition: Condition::default(), wait: None, idempotency: None, trace: None }
    }
}

impl Condition {
    /// Nothing must hold.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it holds of an item that is at `current`, or is not there (RFC 9110 §13.2.2). The
    /// scripts judge the same.
    #[must_use]
    pub fn holds(&self, current: Option<StreamId>) -> bool {
        let named = |states: &Revisions| match (states, current) {
            (_, None) => false,
            (Revisions::Any, Some(_)) => true,
            (Revisions::These(ids), Some(current)) => ids.contains(&current),
        };
        self.if_match.as_ref().is_none_or(named) && !self.if_none_match.as_ref().is_some_and(named)
    }
}

impl fmt::Display for Revisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::These(ids) => f.write_str(&ids.iter().map(StreamId::to_string).collect::<Vec<_>>().join(" ")),
        }
    }
}

impl Write {
    /// The fields and values of the stream entry for this write to the item `id`.
    #[must_use]
    pub fn fields(&self, id: &ItemId) -> Vec<Vec<u8>> {
        let mut fields = vec![("op", self.operation.name().into()), ("id", id.as_str().into())];
        let ttl_or = |ttl: &Option<Duration>, otherwise: &str| match ttl {
            Some(ttl) => ("ttl", ttl.as_millis().to_string().into_bytes()),
            None => ("ttl", otherwise.into()),
        };
        match &self.operation {
            Operation::Put { content, ttl } => fields.extend([ttl_or(ttl, "-"), ("item", content.encode())]),
            Operation::Replace { content } => fields.extend([ttl_or(&None, "keep"), ("item", content.encode())]),
            Operation::Increment { by, ttl } => {
                fields.extend([ttl_or(ttl, "keep"), ("by", by.to_string().into_bytes())]);
            }
            Operation::Delete | Operation::Barrier => {}
        }
        let Condition { if_match, if_none_match } = &self.condition;
        fields.extend(if_match.iter().map(|states| ("if-match", states.to_string().into_bytes())));
        fields.extend(if_none_match.iter().map(|states| ("if-none-match", states.to_string().into_bytes())));
        fields.extend(self.wait.map(|wait| ("wait", wait.as_millis().to_string().into_bytes())));
        fields.extend(self.idempotency.iter().map(|key| ("idem", key.clone().into_bytes())));
        fields.extend(self.trace.iter().map(|trace| ("traceparent", trace.as_str().into())));
        fields.into_iter().flat_map(|(name, value)| [name.as_bytes().to_vec(), value]).collect()
    }
}

impl Operation {
    /// It stores something, so it needs memory.
    #[must_use]
    pub fn stores(&self) -> bool {
        matches!(self, Self::Put { .. } | Self::Replace { .. } | Self::Increment { .. })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } | Self::Replace { .. } => "put",
            Self::Increment { .. } => "increment",
            Self::Delete => "delete",
            Self::Barrier => "barrier",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(write: &Write) -> String {
        let fields = write.fields(&ItemId::new("cart:42").unwrap());
        String::from_utf8(fields.join(&b'|')).unwrap()
    }

    /// Golden: a worker may meet entries that an older component wrote.
    #[test]
    fn the_entry_s_form_never_changes() {
        let content = Content::new(Some("text/plain"), b"hi".to_vec()).unwrap();
        let put = Operation::Put { content, ttl: Some(Duration::from_secs(60)) };
        assert_eq!(fields(&put.into()), "op|put|id|cart:42|ttl|60000|item|text/plain\n\nhi");
        let content = Content::new(None, b"hi".to_vec()).unwrap();
        let replace = Operation::Replace { content };
        assert_eq!(fields(&replace.into()), "op|put|id|cart:42|ttl|keep|item|application/octet-stream\n\nhi");
        let increment = |ttl| fields(&Operation::Increment { by: -2, ttl }.into());
        assert_eq!(increment(None), "op|increment|id|cart:42|ttl|keep|by|-2");
        assert_eq!(increment(Some(Duration::from_secs(1))), "op|increment|id|cart:42|ttl|1000|by|-2");
        assert_eq!(fields(&Operation::Delete.into()), "op|delete|id|cart:42");
        let full = Write {
            operation: Operation::Delete,
            condition: Condition {
                if_match: Some(Revisions::These(vec![StreamId { ms: 5, seq: 0 }, StreamId { ms: 6, seq: 1 }])),
                if_none_match: Some(Revisions::Any),
            },
            wait: Some(Duration::from_secs(2)),
            idempotency: Some("key".to_owned()),
            trace: TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        };
        assert_eq!(
            fields(&full),
            "op|delete|id|cart:42|if-match|5-0 6-1|if-none-match|*|wait|2000|idem|key|\
             traceparent|00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        );
    }
}
