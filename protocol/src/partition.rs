//! Which of the 64 partitions an item lives in, and where a cluster keeps it.
//!
//! The hash is CRC-16/XMODEM, the one that Redis Cluster places keys with (cluster
//! specification, "Keys distribution model"), so every Redis client library already has it.
//! Every key has its partition's tag in braces, a hash tag. So all keys of a partition share one
//! slot of a cluster, and a script that touches several of them works there as it does on one server.
//!
//! A cluster shares its slots out in equal ranges. The tags are chosen so that their slots lie in the
//! middle of 64 equal parts: whatever the number of masters, their shares differ by one partition at most.

use std::fmt;

use crc::{CRC_16_XMODEM, Crc};

use crate::ItemId;

/// Number of partitions. A constant: it is part of the contract with the data on disk.
pub const COUNT: u8 = 64;

/// Number of slots of a Redis Cluster.
pub const SLOTS: u16 = 16_384;

/// The partition's number, and three letters that put it into the slot where it belongs.
const TAGS: [&str; COUNT as usize] = [
    "0eyu", "1dyq", "2ope", "3fyy", "4aye", "5hpy", "6cym", "7byi", //
    "8lit", "9mip", "10gxz", "11nqf", "12dyr", "13eyv", "14cxj", "15bxn", //
    "16ddm", "17edi", "18fpa", "19gpe", "20bnl", "21cnh", "22qlt", "23igx", //
    "24bbq", "25cbu", "26hka", "27ike", "28cwu", "29bwq", "30ers", "31drw", //
    "32air", "33qkf", "34fhj", "35ghn", "36eib", "37dif", "38otv", "39ntr", //
    "40jwb", "41kwf", "42hwj", "43iwn", "44nwr", "45owv", "46lwz", "47lus", //
    "48cva", "49bve", "50esg", "51dsc", "52fro", "53grk", "54asw", "55hzk", //
    "56nwj", "57own", "58lcf", "59ejz", "60qvc", "61atw", "62svk", "63rvo",
];

const HASH: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// One of the [`COUNT`] shards of the store. It prints as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u8);

impl Partition {
    /// The first. It also has what is once in a store.
    pub const FIRST: Self = Self(0);

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

    /// What stands in braces in each of its keys.
    #[must_use]
    pub fn tag(self) -> &'static str {
        TAGS[self.index()]
    }

    /// The slot of a cluster that holds its keys (`CLUSTER KEYSLOT`).
    #[must_use]
    pub fn slot(self) -> u16 {
        HASH.checksum(self.tag().as_bytes()) % SLOTS
    }

    /// These partitions in words, such as `0-21, 40`. They are in order.
    #[must_use]
    pub fn ranges(partitions: &[Self]) -> String {
        let chunks = partitions.chunk_by(|a, b| a.0 + 1 == b.0);
        let words = chunks.map(|chunk| match chunk {
            [first, .., last] => format!("{first}-{last}"),
            _ => chunk.iter().map(ToString::to_string).collect(),
        });
        words.collect::<Vec<_>>().join(", ")
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

    /// Golden vectors, from another implementation (Python's `binascii.crc_hqx(id, 0) % 64`). The
    /// first is the check value of CRC-16/XMODEM, 0x31C3.
    #[test]
    fn partitions_never_move() {
        for (id, partition) in
            [("123456789", 3), ("a", 7), ("cart:42", 5), ("user/1/name", 9), ("ä", 41), ("🦀", 21), ("100%", 42)]
        {
            assert_eq!(Partition::of(&ItemId::new(id).unwrap()).index(), partition, "{id}");
        }
    }

    #[test]
    fn partitions_are_told_as_ranges() {
        let partitions = |numbers: &[u8]| numbers.iter().map(|&n| Partition::new(n).unwrap()).collect::<Vec<_>>();
        assert_eq!(Partition::ranges(&partitions(&[0, 1, 2, 7, 9, 10])), "0-2, 7, 9-10");
        assert_eq!(Partition::ranges(&[]), "");
    }

    #[test]
    fn ids_spread_over_all_partitions() {
        let mut counts = [0u32; COUNT as usize];
        for n in 0..64_000 {
            counts[Partition::of(&ItemId::new(format!("user:{n}")).unwrap()).index()] += 1;
        }
        assert!(counts.iter().all(|&n| (800..1200).contains(&n)), "{counts:?}");
    }

    /// Golden: the slots of all tags, by the formula of the cluster specification (from Python).
    #[test]
    fn slots_lie_in_the_middle_of_equal_parts() {
        let part = SLOTS / u16::from(COUNT);
        for p in Partition::all() {
            let middle = part * u16::try_from(p.index()).unwrap() + part / 2;
            assert!(p.slot().abs_diff(middle) <= 2, "{p}: {} is not near {middle}", p.slot());
            assert!(p.tag().starts_with(&p.to_string()));
        }
        assert_eq!([0, 31, 63].map(|p| Partition::new(p).unwrap().slot()), [129, 8_065, 16_256]);
    }

    /// The first slot of each master as `redis-cli --cluster create` shares them out
    /// (`redis-cli.c`, `clusterManagerCommandCreate`: ranges of 16384 / masters, rounded).
    fn masters_of(count: u16) -> impl Fn(u16) -> usize {
        let share = f64::from(SLOTS) / f64::from(count);
        let ends: Vec<f64> = (1..=count).map(|n| (share * f64::from(n) - 1.0).round()).collect();
        move |slot| ends.iter().position(|&end| f64::from(slot) <= end).unwrap()
    }

    #[test]
    fn any_number_of_masters_gets_equal_shares() {
        for count in 1..=u16::from(COUNT) {
            let (master, mut shares) = (masters_of(count), vec![0u16; usize::from(count)]);
            Partition::all().for_each(|p| shares[master(p.slot())] += 1);
            let [least, most] = [shares.iter().min(), shares.iter().max()].map(|share| *share.unwrap());
            assert!(most - least <= 1, "{count} masters: {shares:?}");
        }
    }
}
