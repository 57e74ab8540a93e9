//! The nemesis of a cluster: it kills, pauses and replaces masters and replicas, one at a time, and waits until
//! the shard is whole again before its next blow.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use larder_system::{Failover, RedisCluster};

use crate::{Direct, eventually};

/// What it does to a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strike {
    /// SIGKILL of the master; the others elect the replica.
    KillMaster,
    /// SIGSTOP of the master until the replica has been elected; then it wakes up as a master that is none.
    PauseMaster,
    /// SIGKILL of the replica.
    KillReplica,
    /// SIGSTOP of the replica.
    PauseReplica,
    /// `CLUSTER FAILOVER`: with the master's help.
    Planned,
    /// `CLUSTER FAILOVER FORCE`: without it, though it lives.
    Force,
    /// `CLUSTER FAILOVER TAKEOVER`: without asking anybody.
    Takeover,
}

const STRIKES: [Strike; 7] = [
    Strike::KillMaster,
    Strike::PauseMaster,
    Strike::KillReplica,
    Strike::PauseReplica,
    Strike::Planned,
    Strike::Force,
    Strike::Takeover,
];

/// The strikes of a seed, and what came of them.
#[derive(Debug)]
pub struct Nemesis {
    rng: Rng,
    ahead: Vec<Strike>,
    struck: BTreeMap<Strike, usize>,
    /// How many times another node became the master.
    pub failovers: usize,
}

impl Nemesis {
    /// How many strikes it takes to do each once.
    pub const ROUND: usize = STRIKES.len();

    /// The one of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), ahead: vec![], struck: BTreeMap::new(), failovers: 0 }
    }

    /// Strikes the shard that has the slot, and heals it.
    ///
    /// # Errors
    /// Where the shard is not whole again within half a minute.
    pub async fn strike(&mut self, cluster: &mut RedisCluster, slot: u16) -> anyhow::Result<()> {
        if self.ahead.is_empty() {
            self.ahead = STRIKES.to_vec();
            self.rng.shuffle(&mut self.ahead);
        }
        let strike = self.ahead.pop().expect("it was just filled");
        tokio::time::sleep(Duration::from_millis(self.rng.u64(100..800))).await;
        let master = cluster.master_of(slot).await?;
        let replica = cluster.replica_of(master).await?;
        let lasts = Duration::from_millis(self.rng.u64(50..1500));
        match strike {
            Strike::KillMaster => {
                cluster.node_mut(master).kill().await?;
                replaced(cluster, slot, master).await?;
                tokio::time::sleep(lasts).await;
                cluster.node_mut(master).restart().await?;
            }
            Strike::PauseMaster => {
                cluster.node_mut(master).pause()?;
                replaced(cluster, slot, master).await?;
                cluster.node_mut(master).resume()?;
            }
            Strike::KillReplica => {
                cluster.node_mut(replica).kill().await?;
                tokio::time::sleep(lasts).await;
                cluster.node_mut(replica).restart().await?;
            }
            Strike::PauseReplica => {
                cluster.node_mut(replica).pause()?;
                tokio::time::sleep(lasts).await;
                cluster.node_mut(replica).resume()?;
            }
            Strike::Planned => cluster.failover(replica, Failover::Planned).await?,
            Strike::Force => cluster.failover(replica, Failover::Force).await?,
            Strike::Takeover => cluster.failover(replica, Failover::Takeover).await?,
        }
        whole(cluster, slot).await?;
        self.failovers += usize::from(cluster.master_of(slot).await? != master);
        *self.struck.entry(strike).or_default() += 1;
        Ok(())
    }
}

/// Waits until another node has the slot; answers how long that took.
///
/// # Errors
/// Where that takes half a minute.
pub async fn replaced(cluster: &RedisCluster, slot: u16, master: usize) -> anyhow::Result<Duration> {
    let start = Instant::now();
    eventually("another master has the slot", async || {
        ensure!(cluster.master_of(slot).await? != master, "node {master} has it");
        Ok(())
    })
    .await?;
    Ok(start.elapsed())
}

/// Waits until the slot has one master, and it a replica that keeps up.
async fn whole(cluster: &RedisCluster, slot: u16) -> anyhow::Result<()> {
    eventually("the shard is whole", async || {
        let replica = cluster.replica_of(cluster.master_of(slot).await?).await?;
        let direct = Direct::open(&cluster.node(replica).url()).await?;
        let info: redis::InfoDict = direct.command(&["INFO", "replication"]).await?;
        let link: String = info.get("master_link_status").context("it is no replica")?;
        ensure!(link == "up", "the link of node {replica} is {link}");
        Ok(())
    })
    .await
}

impl fmt::Display for Nemesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let struck: Vec<_> = self.struck.iter().map(|(strike, count)| format!("{strike:?} {count}x")).collect();
        write!(f, "{} failovers by {}", self.failovers, struck.join(", "))
    }
}
