//! A set of partitions, which people read as ranges: `0-20,63`.

use std::fmt;

use larder_protocol::{Partition, partition};

/// Some of the partitions; one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partitions(u64);

const _: () = assert!(partition::COUNT as u32 <= u64::BITS, "a partition is a bit");

impl Partitions {
    /// All that there are.
    pub fn all() -> Self {
        Partition::all().collect()
    }

    /// Those whose bits are set.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// A bit for each, the lowest for partition 0.
    pub fn bits(self) -> u64 {
        self.0
    }

    pub fn contains(self, p: Partition) -> bool {
        self.0 & bit(p) != 0
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In order.
    pub fn iter(self) -> impl Iterator<Item = Partition> + Clone {
        Partition::all().filter(move |&p| self.contains(p))
    }

    /// Those that are not among these.
    pub fn others(self) -> Self {
        Self(Self::all().0 & !self.0)
    }
}

fn bit(p: Partition) -> u64 {
    1 << p.index()
}

impl FromIterator<Partition> for Partitions {
    fn from_iter<I: IntoIterator<Item = Partition>>(partitions: I) -> Self {
        Self(partitions.into_iter().fold(0, |bits, p| bits | bit(p)))
    }
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<usize> = self.iter().map(Partition::index).collect();
        let ranges: Vec<String> = numbers
            .chunk_by(|a, b| a + 1 == *b)
            .map(|range| match range {
                [only] => only.to_string(),
                _ => format!("{}-{}", range[0], range[range.len() - 1]),
            })
            .collect();
        f.write_str(&ranges.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u8]) -> Partitions {
        numbers.iter().filter_map(|&n| Partition::new(n)).collect()
    }

    #[test]
    fn it_prints_as_ranges() {
        for (numbers, printed) in
            [(&[][..], ""), (&[5], "5"), (&[0, 1, 2], "0-2"), (&[63, 7, 8, 0], "0,7-8,63"), (&[1, 3], "1,3")]
        {
            assert_eq!(set(numbers).to_string(), printed);
        }
    }

    #[test]
    fn a_set_and_the_others_are_all() {
        let some = set(&[0, 9, 63]);
        assert_eq!((some.len(), some.others().len()), (3, Partitions::all().len() - 3));
        assert!(some.iter().all(|p| !some.others().contains(p)));
        assert_eq!(some.others().others(), some);
        assert!(Partitions::all().others().is_empty());
    }
}
