//! What names a write, and thereby the state of the item it made.

use std::fmt;
use std::str::FromStr;

use crate::Partition;

/// The ID of a stream entry, `<ms>-<seq>`: Redis' clock when the write was accepted, and a
/// number that tells writes of the same millisecond apart. Redis makes them strictly rising
/// within a stream, even when its clock steps back (`XADD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// Milliseconds since 1970, by the clock of Redis.
    pub ms: u64,
    /// Rank among the writes of that millisecond.
    pub seq: u64,
}

/// A write of a partition, `<partition>-<ms>-<seq>`; the `ETag` of the item that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The partition whose stream took the write.
    pub partition: Partition,
    /// The ID of the write in that stream.
    pub id: StreamId,
}

/// So many IDs in a millisecond are of one term.
const IDS_PER_TERM: u64 = 65_536;

/// A text that names no write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no revision; one looks like 7-1764000000123-0")]
pub struct InvalidRevision(String);

/// Digits only: `u64::from_str` would take a sign, and a leading zero would give one write
/// two names.
fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl StreamId {
    /// The ID that no other lies before: that of no entry.
    pub const ZERO: Self = Self { ms: 0, seq: 0 };

    /// The next that there can be.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The term of the primary that gave it out (`fragment/term.lua`); 0 in a store without terms.
    #[must_use]
    pub fn term(self) -> u64 {
        self.seq / IDS_PER_TERM
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }
}

impl FromStr for StreamId {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, InvalidRevision> {
        text.split_once('-')
            .and_then(|(ms, seq)| Some(Self { ms: number(ms)?, seq: number(seq)? }))
            .ok_or_else(|| InvalidRevision(text.to_owned()))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for Revision {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, InvalidRevision> {
        let parse = || {
            let (partition, id) = text.split_once('-')?;
            let partition = Partition::new(u8::try_from(number(partition)?).ok()?)?;
            Some(Self { partition, id: id.parse().ok()? })
        };
        parse().ok_or_else(|| InvalidRevision(text.to_owned()))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.partition, self.id)
    }
}

impl Revision {
    /// The revision as an entity tag: strong, quoted (RFC 9110 §8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_revision_has_one_spelling() {
        let revision: Revision = "7-1764000000123-0".parse().unwrap();
        assert_eq!(revision.partition, Partition::new(7).unwrap());
        assert_eq!(revision.id, StreamId { ms: 1_764_000_000_123, seq: 0 });
        assert_eq!(revision.etag(), "\"7-1764000000123-0\"");
        for wrong in [
            "",
            "7",
            "7-1",
            "64-1-1",
            "-1-1-1",
            "7-1-1-1",
            "07-1-1",
            "7-01-1",
            "7-1-+1",
            "7-1- 1",
            "x-1-1",
            "7-99999999999999999999-0",
        ] {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn stream_ids_order_by_time_then_rank() {
        let id = |text: &str| text.parse::<StreamId>().unwrap();
        assert!(id("9-0") < id("10-0"));
        assert!(id("10-9") < id("10-10"));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_round_trip(partition in 0..crate::partition::COUNT, ms: u64, seq: u64) {
            let revision = Revision { partition: Partition::new(partition).unwrap(), id: StreamId { ms, seq } };
            prop_assert_eq!(revision.to_string().parse::<Revision>().unwrap(), revision);
        }
    }
}
