//! A Redis Cluster of our own: masters with one replica each, every node a supervised process.
//!
//! It is made for what goes wrong: each node can be killed, paused and started again by itself, and
//! failovers be told. Nodes are told apart by their number, which stays; who is a master changes, so
//! it is asked each time, and each node only of itself: a dead one's place is not heard of from others.

mod form;
mod node;
mod slots;
mod view;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::{join_all, try_join_all};

use self::node::Node;
use self::view::{Line, View};
use super::kept;
use super::program::RedisProgram;
use super::server::RedisServer;
use super::start::RedisSettings;
use super::topology::Topology;
use super::wait::wait_for;
use crate::data::DataFolder;

/// After how long a manual failover that has not happened will not happen any more (`CLUSTER_MF_TIMEOUT`, 5 s).
const FAILOVER_GIVEN_UP: Duration = Duration::from_secs(6);

/// A running cluster. Its nodes are killed when it is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    program: RedisProgram,
    settings: RedisSettings,
    data: Arc<DataFolder>,
    /// In a new cluster first the masters, then a replica of each, in the same order.
    nodes: Vec<Node>,
    url: String,
}

/// How a replica takes the place of its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failover {
    /// With the master's help, so that nothing is lost.
    Planned,
    /// Without the master, by the vote of the others.
    Force,
    /// Without asking anybody.
    Takeover,
}

impl RedisCluster {
    /// Starts so many masters, each with a replica, and forms a cluster of them where the folder
    /// holds none yet. A node that does not answer for `node_timeout` is taken for dead.
    ///
    /// # Errors
    /// Where no fit Redis is installed, the folder holds another kind of store, a node does not come
    /// up, or they do not agree.
    pub async fn start(data: &Arc<DataFolder>, masters: usize, node_timeout: Duration) -> Result<Self> {
        let settings = RedisSettings { topology: Topology::Cluster(masters), arguments: vec![], node_timeout };
        kept::check(data.path(), settings.topology)?;
        Self::start_with(RedisProgram::find()?, data, masters, &settings).await
    }

    pub(super) async fn start_with(
        program: RedisProgram,
        data: &Arc<DataFolder>,
        masters: usize,
        settings: &RedisSettings,
    ) -> Result<Self> {
        // Masters that were added later have no replica.
        let count = kept::nodes(data.path()).max(masters * 2);
        let start = (0..count).map(|number| Node::start(number, program.clone(), data.clone(), settings));
        let nodes = try_join_all(start).await?;
        let mut cluster = Self { program, settings: settings.clone(), data: data.clone(), nodes, url: String::new() };
        cluster.join().await?;
        let masters = cluster.masters().await.into_iter().map(|number| cluster.nodes[number].address());
        cluster.url = format!("redis://{}", masters.collect::<Vec<_>>().join(","));
        Ok(cluster)
    }

    /// `redis://127.0.0.1:<port>,127.0.0.1:<port>,…`, with those that were the masters at the start, in
    /// the order of their slots: so a component guesses rightly where each partition is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &RedisProgram {
        &self.program
    }

    /// The nodes, by their numbers.
    pub fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().map(|node| &node.server)
    }

    /// The same, to change them.
    pub fn nodes_mut(&mut self) -> impl Iterator<Item = &mut RedisServer> {
        self.nodes.iter_mut().map(|node| &mut node.server)
    }

    /// The node with this number.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn node(&self, number: usize) -> &RedisServer {
        &self.nodes[number].server
    }

    /// The same, to kill, pause, resume or restart it.
    ///
    /// # Panics
    /// Where there is none.
    pub fn node_mut(&mut self, number: usize) -> &mut RedisServer {
        &mut self.nodes[number].server
    }

    /// The numbers of the nodes that say they are masters and have slots, in the order of their slots.
    pub async fn masters(&self) -> Vec<usize> {
        let told = self.told().await.into_iter();
        let mut masters: Vec<_> = told.filter_map(|(number, line)| Some((line.first_slot()?, number))).collect();
        masters.sort_unstable();
        masters.into_iter().map(|(_, number)| number).collect()
    }

    /// The number of the master that has a slot. A dead or paused one has none.
    ///
    /// # Errors
    /// Where nobody says that it has it.
    pub async fn master_of(&self, slot: u16) -> Result<usize> {
        let claims = self.told().await.into_iter().filter(|(_, line)| line.has(slot));
        let (number, _) =
            claims.max_by_key(|(_, line)| line.epoch).with_context(|| format!("nobody has slot {slot}"))?;
        Ok(number)
    }

    /// The number of the replica of a master; both must live.
    ///
    /// # Errors
    /// Where it has none.
    pub async fn replica_of(&self, master: usize) -> Result<usize> {
        let told = self.told().await;
        let id = told.iter().find(|(number, _)| *number == master).map(|(_, line)| line.id.as_str());
        let id = id.with_context(|| format!("node {master} does not answer"))?;
        let replica = told.iter().find(|(_, line)| line.master.as_deref() == Some(id));
        Ok(replica.with_context(|| format!("node {master} has no replica"))?.0)
    }

    /// Has a replica take the place of its master (`CLUSTER FAILOVER`), and waits until it has.
    ///
    /// # Errors
    /// Where it is no replica, or has not become a master in time.
    pub async fn failover(&self, replica: usize, how: Failover) -> Result<()> {
        let node = &self.nodes[replica];
        let words: &[&str] = match how {
            Failover::Planned => &["CLUSTER", "FAILOVER"],
            Failover::Force => &["CLUSTER", "FAILOVER", "FORCE"],
            Failover::Takeover => &["CLUSTER", "FAILOVER", "TAKEOVER"],
        };
        node.server.ask::<()>(words).await?;
        let asked = Cell::new(Instant::now());
        wait_for(&format!("node {replica} is a master"), async || {
            if node.tells().await?.into_myself()?.first_slot().is_some() {
                return Ok(());
            }
            // Redis gives up after some seconds, where the others did not vote for it in time.
            if asked.get().elapsed() > FAILOVER_GIVEN_UP {
                asked.set(Instant::now());
                node.server.ask::<()>(words).await?;
            }
            bail!("it is not");
        })
        .await
    }

    /// Adds a master without slots and without a replica, for `redis-cli --cluster reshard`; its
    /// number.
    ///
    /// # Errors
    /// Where it does not start or the others do not get to know it.
    pub async fn add_master(&mut self) -> Result<usize> {
        let number = self.nodes.len();
        self.nodes.push(Node::start(number, self.program.clone(), self.data.clone(), &self.settings).await?);
        self.meet().await?;
        self.settle().await?;
        Ok(number)
    }

    /// Starts all nodes again, after a kill where they still run, and waits until they agree.
    ///
    /// # Errors
    /// Where one does not start, or they do not agree in time.
    pub async fn restart(&mut self) -> Result<()> {
        try_join_all(self.nodes_mut().map(RedisServer::restart)).await?;
        self.settle().await
    }

    /// What each node that answers says of itself.
    async fn told(&self) -> Vec<(usize, Line)> {
        let told = join_all(self.nodes.iter().map(async |node| node.tells().await.and_then(View::into_myself))).await;
        told.into_iter().enumerate().filter_map(|(number, line)| Some((number, line.ok()?))).collect()
    }
}
