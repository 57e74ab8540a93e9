//! One node of a cluster.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::slots;
use super::view::View;
use crate::data::DataFolder;
use crate::port::Port;
use crate::redis::clock::Clock;
use crate::redis::kept;
use crate::redis::program::RedisProgram;
use crate::redis::server::{RedisServer, Settings};
use crate::redis::start::{RedisSettings, on_free_ports};

/// A running node with the port for clients and the one for the other nodes.
#[derive(Debug)]
pub(super) struct Node {
    pub server: RedisServer,
    ports: Vec<Port>,
}

impl Node {
    /// Starts it on free ports, with what is in its folder.
    pub async fn start(
        number: usize,
        program: RedisProgram,
        data: Arc<DataFolder>,
        settings: &RedisSettings,
    ) -> Result<Self> {
        let folder = kept::node_folder(data.path(), number);
        let node_timeout = settings.node_timeout.as_millis().to_string();
        let (server, ports) = on_free_ports(2, |ports| {
            let own = [
                ["--cluster-enabled", "yes"],
                // By default 10000 above the other, where outgoing connections have their ports.
                ["--cluster-port", &ports[1].number().to_string()],
                ["--cluster-announce-ip", "127.0.0.1"],
                ["--cluster-node-timeout", &node_timeout],
                // A master that is down costs its own slots only.
                ["--cluster-require-full-coverage", "no"],
                // Each master keeps its own replica.
                ["--cluster-allow-replica-migration", "no"],
                // By default a replica waits 5 s for others to be served with it.
                ["--repl-diskless-sync-delay", "0"],
            ];
            Settings {
                name: format!("Redis node {number}"),
                program: program.clone(),
                folder: folder.clone(),
                lock: Some(data.clone()),
                port: ports[0].number(),
                arguments: own
                    .as_flattened()
                    .iter()
                    .map(ToString::to_string)
                    .chain(settings.arguments.clone())
                    .collect(),
                clock: Clock::default(),
            }
        })
        .await?;
        Ok(Self { server, ports })
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        self.ports[0].address().to_string()
    }

    /// Introduces it to another, who tells its friends. Known ones learn the address anew.
    pub async fn meet(&self, other: &Self) -> Result<()> {
        let [port, bus] = [0, 1].map(|index| other.ports[index].number().to_string());
        self.server.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await
    }

    /// What it tells of the cluster.
    pub async fn tells(&self) -> Result<View> {
        View::parse(&self.server.ask::<String>(&["CLUSTER", "NODES"]).await?)
    }

    /// Makes sure that it serves as one of so many nodes, and has the data of its master.
    pub async fn check(&self, nodes: usize) -> Result<()> {
        ensure!(self.tells().await?.knows(nodes), "it is not in touch with all others");
        let cluster: String = self.server.ask(&["CLUSTER", "INFO"]).await?;
        for line in ["cluster_state:ok", &format!("cluster_slots_ok:{}", slots::COUNT)] {
            ensure!(cluster.lines().any(|told| told == line), "not {line}: {cluster}");
        }
        let replication: String = self.server.ask(&["INFO", "replication"]).await?;
        ensure!(!replication.contains("master_link_status:down"), "it is behind its master: {replication}");
        Ok(())
    }
}
