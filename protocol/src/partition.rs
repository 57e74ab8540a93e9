//! Which of the 16 partitions an item lives in.
//!
//! The hash is CRC-16/XMODEM, the one that Redis Cluster places keys with (cluster
//! specification, "Keys distribution model"), so every Redis client library already has it.
//! With `{p}` in every key as a hash tag, all keys of a partition share one cluster slot and a
//! script that touches several of them works on a cluster as it does on one server.

use std::fmt;

use crc::{CRC_16_XMODEM, Crc};

use crate::ItemId;

/// Number of partitions. A constant: it is part of the contract with the data on disk.
pub const COUNT: u8 = 16;

const HASH: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// One of the [`COUNT`] shards of the store. It prints as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u8);

impl Partition {
    /// The partition that holds the item `id`: CRC-16/XMODEM of its bytes, modulo [`COUNT`].
    #[must_use]
    pub fn of(id: &ItemId) -> Self {
        let bucket = HASH.checksum(id.as_str().as_bytes()) % u16::from(COUNT);
        Self(u8::try_from(bucket).expect("a remainder of COUNT is below COUNT"))
    }

    /// The partition with this number, if there is one.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number < COUNT).then_some(Self(number))
    }

    /// All partitions, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..COUNT).map(Self)
    }

    /// The number, for use as an index: below [`COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vectors, from another implementation (Python's `binascii.crc_hqx(id, 0) % 16`). The
    /// first is the check value of CRC-16/XMODEM, 0x31C3.
    #[test]
    fn partitions_never_move() {
        for (id, partition) in
            [("123456789", 3), ("a", 7), ("cart:42", 5), ("user/1/name", 9), ("ä", 9), ("🦀", 5), ("100%", 10)]
        {
            assert_eq!(Partition::of(&ItemId::new(id).unwrap()).index(), partition, "{id}");
        }
    }

    #[test]
    fn ids_spread_over_all_partitions() {
        let mut counts = [0u32; COUNT as usize];
        for n in 0..16_000 {
            counts[Partition::of(&ItemId::new(format!("user:{n}")).unwrap()).index()] += 1;
        }
        assert!(counts.iter().all(|&n| (800..1200).contains(&n)), "{counts:?}");
    }
}
