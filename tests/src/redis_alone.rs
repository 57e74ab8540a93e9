//! A real Redis for the tests of the scripts.

use larder_local::system::{Port, RedisServer};
use larder_protocol::{ItemId, Partition, Script, Write, keys, limits, scripts};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Value};
use tempfile::TempDir;

/// A Redis server with nothing else around it. Its fields end with it, in order.
pub struct RedisAlone {
    /// A connection to it.
    pub connection: MultiplexedConnection,
    /// The process.
    pub server: RedisServer,
    _port: Port,
    _data: TempDir,
}

impl RedisAlone {
    /// Starts a server on a free port with data of its own.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let (port, data) = (Port::reserve()?, TempDir::new()?);
        let server = RedisServer::start(data.path(), port.number(), &[]).await?;
        let connection = redis::Client::open(server.url())?.get_multiplexed_async_connection().await?;
        Ok(Self { connection, server, _port: port, _data: data })
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
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> RedisResult<T> {
        let mut command = redis::cmd("EVAL");
        command.arg(script.source).arg(keys.len()).arg(keys).arg(arguments);
        command.query_async(&mut self.connection.clone()).await
    }

    /// Accepts a write as the component does; the reply of `accept.lua`.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn accept(&self, id: &ItemId, write: Write, max_pending: u64) -> RedisResult<(String, Value)> {
        let p = Partition::of(id);
        let mut arguments =
            vec![max_pending.to_string().into_bytes(), keys::DOORBELL.into(), p.to_string().into_bytes()];
        arguments.extend(write.into_fields(id));
        self.run(&scripts::ACCEPT, &[keys::writes(p)], &arguments).await
    }

    /// Commits as the worker does; the reply of `commit.lua`: applied, dead, left, error.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn commit(
        &self,
        p: Partition,
        max_entries: usize,
        max_bytes: usize,
    ) -> RedisResult<(u64, u64, u64, String)> {
        let keys = [keys::writes(p), keys::index(p), keys::expiry(p), keys::dead(p)];
        let arguments = [keys::item_prefix(p), max_entries.to_string(), max_bytes.to_string()];
        self.run(&scripts::COMMIT, &keys, &arguments.map(String::into_bytes)).await
    }

    /// Takes expired ids off the index as the worker does: ids looked at, ids removed.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn expire(&self, p: Partition) -> RedisResult<(u64, u64)> {
        let arguments = [keys::item_prefix(p), limits::EXPIRE_MAX_IDS.to_string()];
        self.run(&scripts::EXPIRE, &[keys::index(p), keys::expiry(p)], &arguments.map(String::into_bytes)).await
    }
}
