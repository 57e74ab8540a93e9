//! Talks to the Redis of a running system, past the component and the workers.

use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Call, Partition, call, keys, limits};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisResult, Value};

/// As long as for everything else that normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to one Redis, or to the nodes of a cluster: there, a command goes to where its keys
/// are, and one without keys to all masters. Clones share it.
#[derive(Clone)]
pub struct Direct(Link);

#[derive(Clone)]
enum Link {
    Alone(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Direct {
    /// Connects to `redis://host:port` or to the cluster at `redis://host:port,host:port,…`. It waits
    /// longer than the library's half a second, so that no test fails for slowness.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn open(url: &str) -> RedisResult<Self> {
        let nodes: Vec<_> =
            url.trim_start_matches("redis://").split(',').map(|node| format!("redis://{node}")).collect();
        if nodes.len() > 1 {
            let client =
                ClusterClient::builder(nodes).connection_timeout(PATIENCE).response_timeout(PATIENCE).build()?;
            return Ok(Self(Link::Cluster(client.get_async_connection().await?)));
        }
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let client = redis::Client::open(url)?;
        Ok(Self(Link::Alone(client.get_multiplexed_async_connection_with_config(&patient).await?)))
    }

    /// Runs a command.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        self.query(redis::cmd(words[0]).arg(&words[1..])).await
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self.0.clone() {
            Link::Alone(mut connection) => command.query_async(&mut connection).await,
            Link::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }

    /// Runs a script.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn run<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        self.run_source(call.script.source(), call).await
    }

    /// Runs another text in the place of a call's script.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn run_source<T: FromRedisValue>(&self, source: &str, call: &Call) -> RedisResult<T> {
        let mut command = redis::cmd("EVAL");
        command.arg(source).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
        self.query(&command).await
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

    /// A number that `INFO` tells; the sum of all masters'.
    ///
    /// # Errors
    /// Those of Redis, and where there is no such number.
    pub async fn info(&self, section: &str, field: &str) -> anyhow::Result<u64> {
        let info: Value = self.command(&["INFO", section]).await?;
        let infos: Vec<String> = match info {
            Value::Map(of_nodes) => {
                of_nodes.into_iter().map(|(_, info)| redis::from_redis_value(info)).collect::<Result<_, _>>()?
            }
            info => vec![redis::from_redis_value(info)?],
        };
        infos
            .iter()
            .map(|info| {
                let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
                Ok(value.with_context(|| format!("INFO {section} has no {field}"))?.trim().parse::<u64>()?)
            })
            .sum()
    }

    /// How many writes of each partition are accepted and not yet applied.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn pending(&self) -> RedisResult<Vec<u64>> {
        try_join_all(Partition::all().map(async |p| self.command(&["XLEN", &keys::writes(p)]).await)).await
    }
}
