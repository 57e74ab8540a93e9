//! What became of an entry that the commit script took off the channel.
//!
//! The script tells it in one short text, which is the same on a write's outcome stream, in its
//! rejection record and in its idempotency record.

use std::fmt;
use std::str::FromStr;

use crate::StreamId;

/// The end of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored; there was no such item before.
    Created,
    /// Stored in place of what was there.
    Replaced,
    /// Removed.
    Deleted,
    /// There was nothing to remove.
    Absent,
    /// Added to; this is what the item holds now.
    Incremented(i64),
    /// A barrier: everything that was accepted before it is applied.
    Passed,
    /// Its condition did not hold; nothing was changed.
    Rejected {
        /// The state that the item was in, if it existed.
        current: Option<StreamId>,
    },
    /// It could not be added to the item; nothing was changed.
    NotAdded(NotAdded),
    /// It could never be applied, for this reason; it is on the dead stream.
    Dead(String),
}

/// Why an increment changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// The item holds something else than an integer of 64 bits.
    NoInteger,
    /// The sum would be none.
    Overflow,
}

/// A text that tells no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no outcome of a write")]
pub struct InvalidOutcome(String);

impl FromStr for Outcome {
    type Err = InvalidOutcome;

    fn from_str(text: &str) -> Result<Self, InvalidOutcome> {
        let invalid = || InvalidOutcome(text.to_owned());
        Ok(match text.split_once(' ').unwrap_or((text, "")) {
            ("created", "") => Self::Created,
            ("replaced", "") => Self::Replaced,
            ("deleted", "") => Self::Deleted,
            ("absent", "") => Self::Absent,
            ("passed", "") => Self::Passed,
            ("incremented", sum) => Self::Incremented(sum.parse().map_err(|_| invalid())?),
            ("rejected", "no-integer") => Self::NotAdded(NotAdded::NoInteger),
            ("rejected", "overflow") => Self::NotAdded(NotAdded::Overflow),
            ("rejected", "-") => Self::Rejected { current: None },
            ("rejected", id) => Self::Rejected { current: Some(id.parse().map_err(|_| invalid())?) },
            ("dead", reason) => Self::Dead(reason.to_owned()),
            _ => return Err(invalid()),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Replaced => f.write_str("replaced"),
            Self::Deleted => f.write_str("deleted"),
            Self::Absent => f.write_str("absent"),
            Self::Incremented(sum) => write!(f, "incremented {sum}"),
            Self::Passed => f.write_str("passed"),
            Self::NotAdded(NotAdded::NoInteger) => f.write_str("rejected no-integer"),
            Self::NotAdded(NotAdded::Overflow) => f.write_str("rejected overflow"),
            Self::Rejected { current: None } => f.write_str("rejected -"),
            Self::Rejected { current: Some(id) } => write!(f, "rejected {id}"),
            Self::Dead(reason) => write!(f, "dead {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_one_spelling() {
        let current = Some(StreamId { ms: 5, seq: 1 });
        for (outcome, text) in [
            (Outcome::Created, "created"),
            (Outcome::Replaced, "replaced"),
            (Outcome::Deleted, "deleted"),
            (Outcome::Absent, "absent"),
            (Outcome::Incremented(i64::MIN), "incremented -9223372036854775808"),
            (Outcome::NotAdded(NotAdded::NoInteger), "rejected no-integer"),
            (Outcome::NotAdded(NotAdded::Overflow), "rejected overflow"),
            (Outcome::Passed, "passed"),
            (Outcome::Rejected { current: None }, "rejected -"),
            (Outcome::Rejected { current }, "rejected 5-1"),
            (Outcome::Dead("no op".to_owned()), "dead no op"),
        ] {
            assert_eq!(outcome.to_string(), text);
            assert_eq!(text.parse(), Ok(outcome));
        }
        for wrong in ["", "Created", "created now", "rejected", "rejected x"] {
            assert!(wrong.parse::<Outcome>().is_err(), "{wrong:?}");
        }
    }
}
