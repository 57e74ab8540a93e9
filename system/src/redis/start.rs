//! How the Redis of a system is started.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::clock::Clock;
use super::cluster::RedisCluster;
use super::program::RedisProgram;
use super::server::{RedisServer, Settings};
use super::topology::Topology;
use super::{Redis, kept};
use crate::data::DataFolder;
use crate::port::Port;

/// How often a server is given other ports, where somebody took those that it was to have.
const PORT_ATTEMPTS: usize = 5;

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct RedisSettings {
    pub topology: Topology,
    /// Of every server.
    pub arguments: Vec<String>,
    /// After how long without an answer a cluster takes a node for dead.
    pub node_timeout: Duration,
}

impl Redis {
    /// Starts it with its data in this folder, and waits until it serves.
    ///
    /// # Errors
    /// Where no fit Redis is installed, the folder holds another kind of store, or a server does
    /// not come up.
    pub(crate) async fn start(settings: &RedisSettings, data: &Arc<DataFolder>) -> Result<Self> {
        let program = RedisProgram::find()?;
        kept::check(data.path(), settings.topology)?;
        if let Topology::Cluster(masters) = settings.topology {
            return Ok(Self::Cluster(RedisCluster::start_with(program, data, masters, settings).await?));
        }
        let (server, ports) = on_free_ports(1, |ports| Settings {
            name: "Redis server".to_owned(),
            program: program.clone(),
            folder: data.path().to_path_buf(),
            lock: Some(data.clone()),
            port: ports[0].number(),
            arguments: settings.arguments.clone(),
            clock: Clock::default(),
        })
        .await?;
        Ok(Self::Alone(Box::new(server), ports))
    }
}

/// Starts a server on so many free ports. One may be taken between its reservation and the
/// server's start; then others will do.
pub(super) async fn on_free_ports(
    count: usize,
    settings: impl Fn(&[Port]) -> Settings,
) -> Result<(RedisServer, Vec<Port>)> {
    let mut last = None;
    for _ in 0..PORT_ATTEMPTS {
        let ports = (0..count).map(|_| Port::reserve()).collect::<Result<Vec<_>>>()?;
        match RedisServer::start_with(settings(&ports)).await {
            Ok(server) => return Ok((server, ports)),
            Err(error) if ports.iter().all(|port| TcpListener::bind(port.address()).is_ok()) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("at least one attempt was made")?)
}
