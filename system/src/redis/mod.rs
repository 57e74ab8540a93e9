//! The Redis of a system: one server, or a cluster of them.
//!
//! Both are told by an address, and both die, hang and start again as a whole, so whoever only
//! wants that need not know which it is. What only a cluster can do is on [`RedisCluster`].

mod clock;
mod cluster;
mod kept;
mod program;
mod sentinel;
mod server;
mod start;
mod topology;
mod wait;

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;

pub use self::clock::Clock;
pub use self::cluster::{Failover, RedisCluster};
pub use self::program::RedisProgram;
pub use self::sentinel::RedisSentinel;
pub use self::server::RedisServer;
pub(super) use self::start::RedisSettings;
pub use self::topology::Topology;
use super::port::Port;
use super::process::Process;

/// A running Redis.
#[derive(Debug)]
pub enum Redis {
    /// One server, and its port.
    Alone(Box<RedisServer>, Vec<Port>),
    /// A cluster.
    Cluster(RedisCluster),
}

impl Redis {
    /// `redis://127.0.0.1:<port>`; for a cluster [`RedisCluster::url`].
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Alone(server, _) => server.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &RedisProgram {
        self.servers()[0].program()
    }

    /// The cluster, where it is one.
    #[must_use]
    pub fn cluster(&self) -> Option<&RedisCluster> {
        match self {
            Self::Alone(..) => None,
            Self::Cluster(cluster) => Some(cluster),
        }
    }

    /// The same, to change it.
    pub fn cluster_mut(&mut self) -> Option<&mut RedisCluster> {
        match self {
            Self::Alone(..) => None,
            Self::Cluster(cluster) => Some(cluster),
        }
    }

    /// Ends all of it at once (SIGKILL).
    ///
    /// # Errors
    /// Where the system does not let us.
    pub async fn kill(&mut self) -> Result<()> {
        try_join_all(self.processes().into_iter().map(Process::kill)).await?;
        Ok(())
    }

    /// Starts all of it again on the same ports and data, after a kill where it still runs, and
    /// waits until it serves.
    ///
    /// # Errors
    /// Where a server does not come up, or the cluster does not agree.
    pub async fn restart(&mut self) -> Result<()> {
        match self {
            Self::Alone(server, _) => server.restart().await,
            Self::Cluster(cluster) => cluster.restart().await,
        }
    }

    /// Freezes all of it (SIGSTOP).
    ///
    /// # Errors
    /// Where the system does not let us.
    pub fn pause(&mut self) -> Result<()> {
        self.processes().into_iter().try_for_each(Process::pause)
    }

    /// Lets all of it go on.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub fn resume(&mut self) -> Result<()> {
        self.processes().into_iter().try_for_each(Process::resume)
    }

    /// Asks all of it to end, with this patience for each server.
    pub(super) async fn terminate(&mut self, patience: Duration) -> Result<()> {
        try_join_all(self.processes().into_iter().map(|process| process.terminate(patience))).await?;
        Ok(())
    }

    /// The processes of its servers.
    pub fn processes(&mut self) -> Vec<&mut Process> {
        match self {
            Self::Alone(server, _) => vec![&mut ***server],
            Self::Cluster(cluster) => cluster.nodes_mut().map(|node| &mut **node).collect(),
        }
    }

    fn servers(&self) -> Vec<&RedisServer> {
        match self {
            Self::Alone(server, _) => vec![server],
            Self::Cluster(cluster) => cluster.nodes().collect(),
        }
    }
}
