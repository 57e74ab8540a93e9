//! Which master has which partitions: one Redis has them all, the masters of a cluster share them.

mod cluster;
mod sentinel;

use std::fmt;

use crate::connection::{Address, Outage, RedisSettings};
use crate::partitions::Partitions;

/// A Redis that takes writes, and the partitions whose keys it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    pub address: Address,
    /// There is at least one.
    pub partitions: Partitions,
}

/// All masters of the store that have partitions, in the order of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters(Vec<Master>);

/// Asks who the masters are.
///
/// `known` are masters of the same store in groups, of which an earlier one is to be believed before a later
/// one. Behind them come the addresses of the settings.
///
/// # Errors
/// None of them could tell.
pub async fn find(settings: &RedisSettings, known: &[Vec<Address>]) -> Result<Masters, Outage> {
    match &settings.sentinel {
        Some(name) => sentinel::find(settings, name).await.map(Masters::one),
        None => cluster::find(settings, known).await,
    }
}

impl Masters {
    /// A store on one Redis.
    fn one(address: Address) -> Self {
        Self(vec![Master { address, partitions: Partitions::all() }])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Master> {
        self.0.iter()
    }

    /// The partitions that no master has.
    pub fn orphans(&self) -> Partitions {
        Partitions::from_bits(self.iter().fold(0, |bits, master| bits | master.partitions.bits())).others()
    }
}

#[cfg(test)]
impl Masters {
    /// Masters `m0`, `m1`… with the partitions from one to another.
    pub fn made_up(ranges: &[(u8, u8)]) -> Self {
        use larder_protocol::Partition;
        let url: crate::connection::RedisUrl = "redis://m".parse().expect("it is one");
        let masters = ranges.iter().enumerate().map(|(n, &(first, last))| Master {
            address: url.address(format!("m{n}"), 6379),
            partitions: (first..=last).filter_map(Partition::new).collect(),
        });
        Self(masters.collect())
    }
}

impl fmt::Display for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (partitions {})", self.address, self.partitions)
    }
}

impl fmt::Display for Masters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masters: Vec<String> = self.iter().map(Master::to_string).collect();
        f.write_str(&masters.join(", "))
    }
}
