//! Talks to the Redis of a running system, past the component and the workers.

use std::time::Duration;

use anyhow::Context as _;
use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Call, Partition, call, keys, limits};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, RedisResult};

/// As long as for everything else that normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection. Clones share it.
#[derive(Clone)]
pub struct Direct(MultiplexedConnection);

impl Direct {
    /// Connects. It waits longer than the library's half a second, so that no test fails for
    /// slowness.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn open(url: &str) -> RedisResult<Self> {
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        Ok(Self(redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await?))
    }

    /// Runs a command.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut self.0.clone()).await
    }

    /// Runs a script.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn run<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        self.run_source(call.script.source, call).await
    }

    /// Runs another text in the place of a call's script.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn run_source<T: FromRedisValue>(&self, source: &str, call: &Call) -> RedisResult<T> {
        let mut command = redis::cmd("EVAL");
        command.arg(source).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
        command.query_async(&mut self.0.clone()).await
    }

    /// Commits as a worker does.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn commit(&self, p: Partition, max_entries: usize, max_bytes: usize) -> RedisResult<Committed> {
        let reply: CommitReply =
            self.run(&call::commit(p, max_entries, max_bytes, limits::DEFAULT_CHANGES_KEPT)).await?;
        Ok(reply.into())
    }

    /// A number that `INFO` tells.
    ///
    /// # Errors
    /// Those of Redis, and where there is no such number.
    pub async fn info(&self, section: &str, field: &str) -> anyhow::Result<u64> {
        let info: String = self.command(&["INFO", section]).await?;
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.with_context(|| format!("INFO {section} has no {field}"))?.trim().parse()?)
    }

    /// How many writes of each partition are accepted and not yet applied.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn pending(&self) -> RedisResult<Vec<u64>> {
        let mut lengths = redis::pipe();
        for p in Partition::all() {
            lengths.xlen(keys::writes(p));
        }
        lengths.query_async(&mut self.0.clone()).await
    }
}
