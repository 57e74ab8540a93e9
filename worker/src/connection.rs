//! The connection to Redis, and every call that the worker makes on it.
//!
//! Commands and doorbell share one connection (RESP3 delivers messages between replies), so there
//! is one thing to lose: as long as heartbeats are answered, the subscription lives. A command
//! that is not answered in time therefore means that the connection is dead, even if TCP has not
//! noticed. Redis limits what it buffers for a subscriber (32 MB by default); all replies here are
//! short.

mod ca;
mod failure;
mod settings;
mod url;

use std::time::Duration;

use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Call, Partition, call, keys};
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, ProtocolVersion, RedisResult, ServerErrorKind,
};

pub use failure::{Failure, Outage};
pub use settings::RedisSettings;

/// A connection; the session's is subscribed to the doorbell. Clones share it.
#[derive(Clone)]
pub struct Connection(MultiplexedConnection);

/// What one call of the expire script did.
pub struct Expired {
    /// Ids that were due.
    pub looked_at: usize,
    /// Ids taken off the index.
    pub removed: u64,
}

/// Connecting takes milliseconds or does not work, and trying again is cheap.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

impl Connection {
    /// Connects, logs in and subscribes; `on_push` gets the messages and the news that the
    /// connection ended.
    pub async fn open(settings: &RedisSettings, on_push: impl AsyncPushSender) -> Result<Self, Failure> {
        let config = AsyncConnectionConfig::new().set_push_sender(on_push);
        let mut connection = Self::connect(settings, config).await?;
        connection.0.subscribe(keys::DOORBELL).await?;
        Ok(connection)
    }

    /// Connects and logs in: for a subcommand, which hears no doorbell.
    pub async fn open_unsubscribed(settings: &RedisSettings) -> Result<Self, Failure> {
        Self::connect(settings, AsyncConnectionConfig::new()).await
    }

    async fn connect(settings: &RedisSettings, config: AsyncConnectionConfig) -> Result<Self, Failure> {
        let info = settings.url.connection_info();
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config =
            config.set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(Some(settings.command_timeout));
        let client = match &settings.ca {
            Some(ca) => Client::build_with_tls(info, ca.certificates()),
            None => Client::open(info),
        }?;
        Ok(Self(client.get_multiplexed_async_connection_with_config(&config).await?))
    }

    /// Applies the head of the partition's stream: at most so many entries, and no more once they
    /// come to so many bytes. About `changes_kept` changes are kept.
    pub async fn commit(
        &self,
        p: Partition,
        max_entries: usize,
        max_bytes: usize,
        changes_kept: u64,
    ) -> Result<Committed, Failure> {
        let reply: CommitReply = self.run(call::commit(p, max_entries, max_bytes, changes_kept)).await?;
        Ok(reply.into())
    }

    /// Takes ids whose items have expired off the partition's index. About `changes_kept` changes are kept.
    pub async fn expire(&self, p: Partition, changes_kept: u64) -> Result<Expired, Failure> {
        let (looked_at, removed) = self.run(call::expire(p, changes_kept)).await?;
        Ok(Expired { looked_at, removed })
    }

    /// Says that the worker `name` lives, and answers the names of all that do. They are bytes,
    /// because somebody else wrote them.
    pub async fn heartbeat(&self, name: &str) -> Result<Vec<Vec<u8>>, Failure> {
        self.run(call::heartbeat(name)).await
    }

    /// Takes the worker `name` off the list of those that live, and tells the others to look.
    pub async fn deregister(&self, name: &str) -> Result<(), Failure> {
        let mut pipeline = redis::pipe();
        pipeline.zrem(keys::WORKERS, name).publish(keys::DOORBELL, keys::ROSTER_CHANGED);
        Ok(pipeline.exec_async(&mut self.0.clone()).await?)
    }

    /// How many writes wait in each partition, by one round trip. A partition whose stream cannot
    /// be asked is an error of its own.
    pub async fn pending(&self) -> Result<Vec<(Partition, Result<u64, Failure>)>, Failure> {
        let mut pipeline = redis::pipe();
        for p in Partition::all() {
            pipeline.xlen(keys::writes(p));
        }
        let lengths: Vec<RedisResult<u64>> = pipeline.ignore_errors().query_async(&mut self.0.clone()).await?;
        Ok(Partition::all().zip(lengths).map(|(p, length)| (p, length.map_err(Failure::from))).collect())
    }

    /// One command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        Ok(command.query_async(&mut self.0.clone()).await?)
    }

    /// `EVALSHA`, and `EVAL` where Redis does not have the script yet.
    pub async fn run<T: FromRedisValue>(&self, call: Call) -> Result<T, Failure> {
        let Call { script, keys, arguments } = &call;
        let run = async |command: &str, script: &str| {
            let mut command = redis::cmd(command);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command.query_async(&mut self.0.clone()).await
        };
        match run("EVALSHA", script.sha()).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                Ok(run("EVAL", script.source).await?)
            }
            answer => Ok(answer?),
        }
    }
}
