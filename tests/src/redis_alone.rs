//! A real Redis for the tests of the scripts.

use std::path::Path;

use larder_local::system::{Port, RedisServer};
use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Call, ItemId, Partition, Write, call};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Value};
use tempfile::TempDir;

use crate::direct::connect;

/// A Redis server with nothing else around it. Its fields end with it, in order.
pub struct RedisAlone {
    /// A connection to it.
    pub connection: MultiplexedConnection,
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
        Self::start_on(TempDir::new()?).await
    }

    /// Starts a server on a free port, with the data that lies in `<data>/redis`.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start_on(data: TempDir) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let server = RedisServer::start(data.path(), port.number(), &[]).await?;
        let connection = connect(&server.url()).await?;
        Ok(Self { connection, server, _port: port, data })
    }

    /// The folder that holds its data and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// Runs a command.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection.clone()).await
    }

    /// Runs a script.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn run<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        let mut command = redis::cmd("EVAL");
        command.arg(call.script.source).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
        command.query_async(&mut self.connection.clone()).await
    }

    /// Accepts a write as the component does; the whole reply of `accept.lua`.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn accept(&self, id: &ItemId, write: &Write, max_pending: u64) -> RedisResult<Vec<Value>> {
        self.run(&call::accept(id, write, "digest", max_pending)).await
    }

    /// Commits as the worker does; the reply of `commit.lua`.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn commit(&self, p: Partition, max_entries: usize, max_bytes: usize) -> RedisResult<Committed> {
        let reply: CommitReply = self.run(&call::commit(p, max_entries, max_bytes)).await?;
        Ok(reply.into())
    }
}
