//! A real Redis for the tests of the scripts.

use std::ops::Deref;
use std::path::Path;

use larder_protocol::{ItemId, Write, call};
use larder_system::{Port, RedisServer};
use redis::{RedisResult, Value};
use tempfile::TempDir;

use crate::direct::Direct;

/// A Redis server with nothing else around it. Its fields end with it, in order.
pub struct RedisAlone {
    /// A connection to it.
    pub direct: Direct,
    /// The process.
    pub server: RedisServer,
    _port: Port,
    data: TempDir,
}

impl RedisAlone {
    /// Starts a server on a free port with data of its own.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more arguments, which win over ours.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start_with(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::open(TempDir::new()?, arguments).await
    }

    /// Starts a server on a free port, with the data that lies in `<data>/redis`.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start_on(data: TempDir) -> anyhow::Result<Self> {
        Self::open(data, &[]).await
    }

    async fn open(data: TempDir, arguments: &[&str]) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let server = RedisServer::start(data.path(), port.number(), arguments).await?;
        let direct = Direct::open(&server.url()).await?;
        Ok(Self { direct, server, _port: port, data })
    }

    /// Kills it, starts it again on its data, and connects anew.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.restart().await?;
        self.direct = Direct::open(&self.server.url()).await?;
        Ok(())
    }

    /// The folder that holds its data and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// Accepts a write as the component does; the whole reply of `accept.lua`.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn accept(&self, id: &ItemId, write: &Write, max_pending: u64) -> RedisResult<Vec<Value>> {
        self.run(&call::accept(id, write, "digest", max_pending, true)).await
    }
}

impl Deref for RedisAlone {
    type Target = Direct;

    fn deref(&self) -> &Direct {
        &self.direct
    }
}
