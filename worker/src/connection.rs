//! A connection to one Redis, and every call that the worker makes on it.
//!
//! Commands and doorbells share one connection (RESP3 delivers messages between replies), so there
//! is one thing to lose: as long as heartbeats are answered, the subscriptions live. A command
//! that is not answered in time therefore means that the connection is dead, even if TCP has not
//! noticed. Redis limits what it buffers for a subscriber (32 MB by default); all replies here are
//! short.
//!
//! When a partition leaves its master, Redis ends the subscription of its doorbell unasked. The client
//! library takes that message for the reply to whatever is under way, and each later reply for the next
//! command's. So the connection ends there: it has given out its last reply.

mod ca;
mod failure;
mod report;
mod settings;
mod url;

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use larder_protocol::call::{CommitReply, Committed, Look, LookReply};
use larder_protocol::{Call, Partition, call, keys};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, InfoDict, Msg, ProtocolVersion,
    PushInfo, PushKind, RedisResult, ServerErrorKind,
};
use tokio::sync::watch;

pub use failure::{Failure, Outage};
pub use report::{Durability, RedisReport};
pub use settings::RedisSettings;
pub use url::Address;
#[cfg(test)]
pub use url::RedisUrl;

use crate::partitions::Partitions;

/// A connection; a session's is subscribed to doorbells. Clones share it.
#[derive(Clone)]
pub struct Connection {
    redis: MultiplexedConnection,
    /// Why it ended, once it has.
    end: watch::Receiver<Option<Outage>>,
}

/// What one call of the expire script did.
pub struct Expired {
    /// Ids that were due.
    pub looked_at: usize,
    /// Ids taken off the index.
    pub removed: u64,
}

/// Slots from one to another, and the host and port of their master; an empty host is the one that was asked.
pub type SlotRange = (u16, u16, String, u16);

/// Connecting takes milliseconds or does not work, and trying again is cheap.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

impl Connection {
    /// Connects and logs in. `on_message` gets the messages of what it subscribes to; it must not wait.
    pub async fn open(
        settings: &RedisSettings,
        address: &Address,
        on_message: impl Fn(Msg) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        Self::connect(settings, settings.url.connection_info(address), on_message).await
    }

    /// The same for whoever subscribes to nothing.
    pub async fn open_unsubscribed(settings: &RedisSettings, address: &Address) -> Result<Self, Failure> {
        Self::open(settings, address, |_| {}).await
    }

    /// Connects to a Sentinel, which has no databases, and often no password either.
    pub async fn open_sentinel(settings: &RedisSettings, address: &Address) -> Result<Self, Failure> {
        let info = settings.url.connection_info(address);
        let login = info.redis_settings().clone().set_db(0);
        let anonymous = info.clone().set_redis_settings(redis::RedisConnectionInfo::default());
        match Self::connect(settings, anonymous, |_| {}).await {
            Err(Failure::Outage(Outage::Credentials(_))) => {
                Self::connect(settings, info.set_redis_settings(login), |_| {}).await
            }
            opened => opened,
        }
    }

    async fn connect(
        settings: &RedisSettings,
        info: ConnectionInfo,
        on_message: impl Fn(Msg) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let (ended, end) = watch::channel(None);
        let on_push = move |push: PushInfo| {
            match push.kind {
                PushKind::Disconnection => end_with(&ended, Outage::Unreachable("it closed the connection".to_owned())),
                PushKind::SUnsubscribe => end_with(&ended, Outage::Moved("it ended a subscription".to_owned())),
                _ => Msg::from_push_info(push).into_iter().for_each(&on_message),
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_push_sender(on_push)
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(settings.command_timeout));
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match &settings.ca {
            Some(ca) => Client::build_with_tls(info, ca.certificates()),
            None => Client::open(info),
        }?;
        Ok(Self { redis: client.get_multiplexed_async_connection_with_config(&config).await?, end })
    }

    /// Waits until the connection ends, though nobody may be waiting for a reply; then tells why.
    pub async fn ended(&self) -> Outage {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outage)) => outage.clone(),
            // Nobody is there any more who could tell.
            Ok(None) | Err(_) => Outage::Unreachable("the connection is gone".to_owned()),
        }
    }

    /// Subscribes to the doorbells of `partitions`, each by a command of its own, as a cluster demands.
    pub async fn subscribe(&self, partitions: Partitions) -> Result<(), Failure> {
        let mut pipeline = redis::pipe();
        partitions.iter().for_each(|p| _ = pipeline.cmd("SSUBSCRIBE").arg(keys::doorbell(p)));
        self.answer(pipeline.exec_async(&mut self.redis.clone()).await)
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

    /// Says that the worker `name` lives, on the roster that `p` keeps, and answers the names of all that
    /// do. They are bytes, because somebody else wrote them.
    pub async fn heartbeat(&self, p: Partition, name: &str) -> Result<Vec<Vec<u8>>, Failure> {
        self.run(call::heartbeat(p, name)).await
    }

    /// Takes the worker `name` off the roster that `p` keeps, and tells the others to look.
    pub async fn deregister(&self, p: Partition, name: &str) -> Result<(), Failure> {
        let mut pipeline = redis::pipe();
        pipeline.zrem(keys::workers(p), name).cmd("SPUBLISH").arg(keys::doorbell(p)).arg(keys::ROSTER_CHANGED);
        self.answer(pipeline.exec_async(&mut self.redis.clone()).await)
    }

    /// How many writes wait in each partition, by one round trip. A partition whose stream cannot
    /// be asked is an error of its own.
    pub async fn pending(&self, partitions: Partitions) -> Result<Vec<(Partition, Result<u64, Failure>)>, Failure> {
        let mut pipeline = redis::pipe();
        for p in partitions.iter() {
            pipeline.xlen(keys::writes(p));
        }
        let lengths = pipeline.ignore_errors().query_async(&mut self.redis.clone()).await;
        let lengths: Vec<RedisResult<u64>> = self.answer(lengths)?;
        Ok(partitions.iter().zip(lengths).map(|(p, length)| (p, length.map_err(Failure::from))).collect())
    }

    /// How each partition stands. One that cannot be looked at is an error of its own.
    pub async fn look(&self, partitions: Partitions) -> Vec<(Partition, Result<Look, Failure>)> {
        let looks = partitions.iter().map(async |p| (p, self.run::<LookReply>(call::look(p)).await.map(Look::from)));
        join_all(looks).await
    }

    /// What the Redis tells of itself (`INFO`, and `CONFIG GET` where it is permitted).
    pub async fn report(&self) -> Result<RedisReport, Failure> {
        let sections = ["server", "memory", "persistence", "replication"];
        let info = self.query(redis::cmd("INFO").arg(&sections)).await?;
        let settings: HashMap<String, String> =
            match self.query(redis::cmd("CONFIG").arg("GET").arg("appendfsync")).await {
                Ok(settings) => settings,
                Err(Failure::Outage(outage)) => return Err(outage.into()),
                Err(failure) => {
                    tracing::debug!("cannot ask for the setting appendfsync: {failure}");
                    HashMap::new()
                }
            };
        Ok(RedisReport::new(&info, settings.get("appendfsync").cloned()))
    }

    /// Whether this Redis can fail over: it is of a cluster, or has replicas (`INFO`).
    pub async fn can_fail_over(&self) -> Result<bool, Failure> {
        let info: InfoDict = self.query(redis::cmd("INFO").arg("replication").arg("cluster")).await?;
        let number = |field| info.get::<u64>(field).unwrap_or_default();
        Ok(number("cluster_enabled") > 0 || number("connected_slaves") > 0)
    }

    /// Calls a script that begins something, for each of `partitions`. One that cannot be had keeps no other from it.
    pub async fn begin(&self, partitions: Partitions, begin: impl Fn(Partition) -> Call) -> Result<(), Failure> {
        let calls = partitions.iter().map(|p| self.run::<[u8; 1]>(begin(p)));
        join_all(calls).await.into_iter().try_for_each(|begun| begun.map(|_| ()))
    }

    /// Which masters of the cluster have which slots; nothing where it is none.
    pub async fn locate(&self) -> Result<Vec<SlotRange>, Failure> {
        self.run(call::locate()).await
    }

    /// One command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.answer(command.query_async(&mut self.redis.clone()).await)
    }

    /// `EVALSHA`, and `EVAL` where Redis does not have the script yet.
    pub async fn run<T: FromRedisValue>(&self, call: Call) -> Result<T, Failure> {
        let Call { script, keys, arguments, .. } = &call;
        let run = async |command: &str, script: &str| {
            let mut command = redis::cmd(command);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command.query_async(&mut self.redis.clone()).await
        };
        match run("EVALSHA", script.sha()).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.answer(run("EVAL", script.source()).await)
            }
            answer => self.answer(answer),
        }
    }

    /// An answer is one only if the connection had not ended when it came.
    fn answer<T>(&self, answer: RedisResult<T>) -> Result<T, Failure> {
        match &*self.end.borrow() {
            Some(outage) => Err(outage.clone().into()),
            None => Ok(answer?),
        }
    }
}

/// The first reason counts.
fn end_with(ended: &watch::Sender<Option<Outage>>, outage: Outage) {
    ended.send_if_modified(|end| {
        let first = end.is_none();
        end.get_or_insert(outage);
        first
    });
}
