//! How nodes become a cluster, and how they find each other again.
//!
//! A new cluster is formed as `redis-cli --cluster create` does it, with the same commands, so that
//! no second program is needed. Ports are others at each start, so the nodes of an old one are
//! introduced to each other again, all to all: what they know of slots and roles goes by their ids.

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;

use super::{RedisCluster, slots};
use crate::redis::kept;
use crate::redis::wait::wait_for;

impl RedisCluster {
    /// Makes a cluster of the running nodes: the one that they were, or else a new one.
    pub(super) async fn join(&self) -> Result<()> {
        let formed = kept::formed(self.data.path());
        if formed.exists() {
            self.meet().await?;
            return self.settle().await;
        }
        self.form().await?;
        std::fs::write(&formed, "").with_context(|| format!("cannot write {}", formed.display()))
    }

    /// Waits until every node serves, knows all others and has the data of its master.
    ///
    /// # Errors
    /// Where they do not within 60 s, with what was missing.
    pub async fn settle(&self) -> Result<()> {
        let count = self.nodes.len();
        wait_for("the nodes agree", async || {
            for (number, node) in self.nodes.iter().enumerate() {
                node.check(count).await.with_context(|| format!("node {number}"))?;
            }
            Ok(())
        })
        .await
    }

    /// Introduces every node to every other.
    pub(super) async fn meet(&self) -> Result<()> {
        let pairs = self.nodes.iter().flat_map(|one| self.nodes.iter().map(move |other| (one, other)));
        let pairs = pairs.filter(|(one, other)| !std::ptr::eq(*one, *other));
        try_join_all(pairs.map(async |(one, other)| one.meet(other).await)).await?;
        Ok(())
    }

    async fn form(&self) -> Result<()> {
        let (masters, replicas) = self.nodes.split_at(self.nodes.len() / 2);
        // What a start that was interrupted has left. Redis refuses it where there are items.
        try_join_all(self.nodes().map(|node| node.ask::<()>(&["CLUSTER", "RESET", "HARD"]))).await?;
        for (number, (master, slots)) in masters.iter().zip(slots::split(masters.len())).enumerate() {
            let [first, last] = [slots.start(), slots.end()].map(u16::to_string);
            master.server.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await?;
            let epoch = (number + 1).to_string();
            master.server.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await?;
        }
        self.meet().await?;
        wait_for("the nodes know each other", async || {
            for node in &self.nodes {
                ensure!(node.tells().await?.knows(self.nodes.len()), "one does not yet");
            }
            Ok(())
        })
        .await?;
        for (replica, master) in replicas.iter().zip(masters) {
            let id: String = master.server.ask(&["CLUSTER", "MYID"]).await?;
            replica.server.ask::<()>(&["CLUSTER", "REPLICATE", &id]).await?;
        }
        self.settle().await
    }
}
