//! A store of its own for a row of points: Redis, a worker, and the component behind a proxy.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use futures::FutureExt as _;
use larder_protocol::token::Digest;
use larder_protocol::{ItemId, Partition, Write, keys};
use larder_system::{ApiProcess, ApiSettings, Clock, Output, Port, Runtime, Wasi, WorkerProcess};
use larder_tests::{Direct, RedisAlone, eventually, http};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;
use tokio::sync::Mutex;

use crate::fault::Fault;
use crate::proxy::Proxy;

/// How the store keeps what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One Redis.
    One,
    /// A primary and a replica, one of which must have each write.
    Replica,
}

/// The token of most requests, and one that may send few.
pub const TOKENS: [&str; 2] = ["larder_all", "larder_few"];

/// A store.
pub struct Lane {
    pub proxy: Proxy,
    base: String,
    http: Client,
    servers: Arc<Mutex<Servers>>,
    worker: WorkerProcess,
    _api: ApiProcess,
    _port: Port,
    /// The same for the worker.
    pub worker_proxy: Proxy,
}

/// Its Redis servers.
pub struct Servers {
    /// The one that clients write to.
    pub primary: RedisAlone,
    replica: Option<RedisAlone>,
    proxies: [Proxy; 2],
    clock: PathBuf,
}

impl Lane {
    /// Starts one; `number` tells its logs from those of others.
    pub async fn start(topology: Topology, wasi: Wasi) -> anyhow::Result<Self> {
        // A replica that comes back has everything at once.
        let at_once = ["--repl-diskless-sync-delay", "0"];
        let mut primary = RedisAlone::start_with(&at_once).await?;
        let clock = primary.folder().join("clock");
        Clock::step(&clock, 0)?;
        primary.server.set_clock(Clock::Stepping(clock.clone()));
        primary.restart().await?;
        let replica = match topology {
            Topology::One => None,
            Topology::Replica => Some(follow(RedisAlone::start_with(&at_once).await?, &primary).await?),
        };
        let proxy = Proxy::start(primary.server.port()).await?;
        let way = Proxy::start(primary.server.port()).await?;
        let log = |name: &str| Output::File(primary.folder().join(name));
        let worker = WorkerProcess::start(&way.url(), &[], &[], log("worker.log"))?;
        let port = Port::reserve()?;
        let tokens = json!([
            {"name": "all", "digest": Digest::of(TOKENS[0]).to_string(), "scopes": ["read", "write", "list"]},
            {"name": "few", "digest": Digest::of(TOKENS[1]).to_string(), "scopes": ["read"], "rate": 1000},
        ]);
        let min_replicas = if topology == Topology::Replica { "1" } else { "0" };
        let settings = ApiSettings::new(Runtime::from_env()?, wasi, port.address(), &proxy.url(), log("component.log"))
            .variable("redis_timeout_ms", "250")
            .variable("min_replicas", min_replicas)
            .variable("api_tokens", &tokens.to_string());
        let api = ApiProcess::start(settings)?;
        let base = format!("http://{}", port.address());
        let servers = Servers { primary, replica, proxies: [proxy.clone(), way.clone()], clock };
        let servers = Arc::new(Mutex::new(servers));
        for proxy in [&proxy, &way] {
            let servers = servers.clone();
            proxy.on_fault(Arc::new(move |fault| {
                let servers = servers.clone();
                async move { servers.lock().await.strike(fault).await }.boxed()
            }));
        }
        let lane = Self { proxy, base, http: http(), servers, worker, _api: api, _port: port, worker_proxy: way };
        eventually("the store is ready", async || {
            let answer = lane.http.get(format!("{}/health/ready", lane.base)).send().await?;
            ensure!(answer.status().is_success(), "{}", answer.text().await?);
            Ok(())
        })
        .await?;
        Ok(lane)
    }

    /// A request, with the token of most.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_as(TOKENS[0], method, path)
    }

    /// A request, with this token.
    pub fn request_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token)
    }

    /// What a fault does besides, before the scenario or at one of its commands.
    pub async fn strike(&self, fault: Fault) -> anyhow::Result<()> {
        self.servers.lock().await.strike(fault).await
    }

    /// Undoes what a fault did besides.
    pub async fn heal(&self) -> anyhow::Result<()> {
        self.servers.lock().await.heal().await
    }

    /// The end of the worker's log.
    pub fn worker_log(&self) -> String {
        self.worker.output().tail()
    }

    /// Runs something with a connection to the primary.
    pub async fn ask<T>(&self, ask: impl AsyncFnOnce(&Direct) -> anyhow::Result<T>) -> anyhow::Result<T> {
        ask(&self.servers.lock().await.primary.direct).await
    }

    /// Accepts a write beside the component.
    pub async fn accept(&self, id: &ItemId, write: &Write) -> anyhow::Result<()> {
        self.servers.lock().await.primary.accept(id, write, 1_000).await?;
        Ok(())
    }

    /// Waits until nothing waits in the partition of the item.
    pub async fn drain(&self, id: &ItemId) -> anyhow::Result<()> {
        let writes = keys::writes(Partition::of(id));
        eventually("all writes are applied", async || {
            let waiting: u64 = self.ask(async |redis| Ok(redis.command(&["XLEN", &writes]).await?)).await?;
            ensure!(waiting == 0, "{waiting} wait");
            Ok(())
        })
        .await
    }
}

impl Servers {
    async fn strike(&mut self, fault: Fault) -> anyhow::Result<()> {
        let redis = &self.primary.direct;
        match fault {
            Fault::IdleClosed => _ = redis.command::<u64>(&["CLIENT", "KILL", "TYPE", "normal"]).await?,
            Fault::Expired => {
                for pattern in ["larder:*:idem:*", "larder:*:outcome:*"] {
                    for key in redis.command::<Vec<String>>(&["KEYS", pattern]).await? {
                        redis.command::<u64>(&["DEL", &key]).await?;
                    }
                }
            }
            Fault::MemoryFull => redis.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?,
            Fault::NoChannels => redis.command::<()>(&["ACL", "SETUSER", "default", "resetchannels"]).await?,
            Fault::Clock(seconds) => Clock::step(&self.clock, seconds)?,
            Fault::ReplicaGone => self.part().await?,
            Fault::FailoverBefore | Fault::FailoverAfter => self.fail_over().await?,
            _ => {}
        }
        Ok(())
    }

    async fn heal(&mut self) -> anyhow::Result<()> {
        Clock::step(&self.clock, 0)?;
        if let Some(replica) = self.replica.take() {
            self.replica = Some(follow(replica, &self.primary).await?);
        }
        self.primary.direct.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
        self.primary.direct.command::<()>(&["ACL", "SETUSER", "default", "allchannels"]).await?;
        Ok(())
    }

    fn replica(&mut self) -> anyhow::Result<&mut RedisAlone> {
        anyhow::Context::context(self.replica.as_mut(), "there is no replica")
    }

    /// Cuts the replica off from now on: what the primary does is not for it.
    async fn part(&mut self) -> anyhow::Result<()> {
        self.replica()?.direct.command::<()>(&["REPLICAOF", "NO", "ONE"]).await?;
        Ok(())
    }

    async fn fail_over(&mut self) -> anyhow::Result<()> {
        self.part().await?;
        let mut new = anyhow::Context::context(self.replica.take(), "there is no replica")?;
        std::mem::swap(&mut self.primary, &mut new);
        // The old primary, which knows nothing of it, follows the new one when the point is over.
        self.replica = Some(new);
        for proxy in &self.proxies {
            proxy.switch(self.primary.server.port());
        }
        Ok(())
    }
}

/// Has one follow another, and waits until it has all.
async fn follow(replica: RedisAlone, primary: &RedisAlone) -> anyhow::Result<RedisAlone> {
    replica.direct.command::<()>(&["REPLICAOF", "127.0.0.1", &primary.server.port().to_string()]).await?;
    eventually("the replica follows", async || {
        let info: String = replica.direct.command(&["INFO", "replication"]).await?;
        ensure!(info.contains("master_link_status:up"), "{info}");
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(replica)
}
