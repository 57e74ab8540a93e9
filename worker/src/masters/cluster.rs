//! The masters as the nodes of a cluster tell them; a Redis that is no cluster's tells nothing, and has all.
//!
//! Nodes may disagree for a moment, and one that was cut off goes on telling what it knew. So it matters who
//! is asked, and in which order: see [`crate::lookout`].

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use larder_protocol::Partition;

use super::{Master, Masters};
use crate::connection::{Address, Connection, Outage, RedisSettings, SlotRange};

/// Asks one group after the other until a node tells of a cluster.
pub async fn find(settings: &RedisSettings, known: &[Vec<Address>]) -> Result<Masters, Outage> {
    let mut best = Err(Outage::Unreachable("there is no address".to_owned()));
    for group in known.iter().map(Vec::as_slice).chain([settings.url.addresses()]) {
        match ask(settings, group).await {
            Some(Ok(Told::Cluster(masters))) => return Ok(masters),
            Some(Ok(Told::NoCluster(address))) => best = Ok(Masters::one(address)),
            Some(Err(outage)) if best.is_err() => best = Err(outage),
            Some(Err(_)) | None => {}
        }
    }
    best
}

/// What a Redis told.
enum Told {
    Cluster(Masters),
    /// It is none, or a node that no cluster has (any more).
    NoCluster(Address),
}

/// Asks all of them at once. The first that tells of a cluster is right; there is no answer where nobody was asked.
async fn ask(settings: &RedisSettings, addresses: &[Address]) -> Option<Result<Told, Outage>> {
    let mut answers: FuturesUnordered<_> = addresses.iter().map(|address| ask_one(settings, address)).collect();
    let mut second_best = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Told::Cluster(_)) => return Some(answer),
            Ok(Told::NoCluster(_)) => second_best = Some(answer),
            Err(_) => _ = second_best.get_or_insert(answer),
        }
    }
    second_best
}

async fn ask_one(settings: &RedisSettings, address: &Address) -> Result<Told, Outage> {
    let ranges = Connection::open_unsubscribed(settings, address).await?.locate().await?;
    if ranges.is_empty() {
        return Ok(Told::NoCluster(address.clone()));
    }
    let address = |host: &str, port| match host {
        "" => address.clone(),
        _ => settings.url.address(host.to_owned(), port),
    };
    Ok(Told::Cluster(sort(&ranges, address)))
}

/// Finds the master of each partition. One whose slot nobody has is left out.
fn sort(ranges: &[SlotRange], address: impl Fn(&str, u16) -> Address) -> Masters {
    let mut masters: Vec<Master> = Vec::new();
    for p in Partition::all() {
        let slot = p.slot();
        let Some((_, _, host, port)) = ranges.iter().find(|(first, last, ..)| (*first..=*last).contains(&slot)) else {
            continue;
        };
        let address = address(host, *port);
        match masters.iter_mut().find(|master| master.address == address) {
            Some(master) => master.partitions = master.partitions.iter().chain([p]).collect(),
            None => masters.push(Master { address, partitions: [p].into_iter().collect() }),
        }
    }
    Masters(masters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(ranges: &[(u16, u16, &str, u16)]) -> Masters {
        let url: crate::connection::RedisUrl = "redis://asked:6379".parse().unwrap();
        let ranges: Vec<SlotRange> = ranges.iter().map(|&(a, b, host, port)| (a, b, host.to_owned(), port)).collect();
        sort(&ranges, |host, port| match host {
            "" => url.addresses()[0].clone(),
            _ => url.address(host.to_owned(), port),
        })
    }

    #[test]
    fn each_master_has_the_partitions_of_its_slots() {
        let masters = sorted(&[(10923, 16383, "c", 3), (0, 5460, "", 1), (5461, 10922, "b", 2)]);
        assert_eq!(masters.to_string(), "asked:6379 (partitions 0-20), b:2 (partitions 21-42), c:3 (partitions 43-63)");
        assert!(masters.orphans().is_empty());
    }

    #[test]
    fn a_master_may_have_several_ranges_and_a_partition_none() {
        let masters = sorted(&[(0, 200, "a", 1), (201, 600, "b", 1), (601, 16000, "a", 1)]);
        assert_eq!(masters.to_string(), "a:1 (partitions 0,2-62), b:1 (partitions 1)");
        assert_eq!(masters.orphans().to_string(), "63");
    }
}
