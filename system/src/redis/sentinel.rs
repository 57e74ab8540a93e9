//! One primary, one replica, and a Sentinel that puts the replica in the primary's place.
//!
//! One Sentinel decides alone here. It is for the tests of those who ask it where the primary is, not of
//! Sentinels that disagree.

use std::ffi::OsStr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use redis::{Client, FromRedisValue, Value};

use super::clock::Clock;
use super::program::RedisProgram;
use super::server::{RedisServer, Settings};
use super::start::on_free_ports;
use super::wait::wait_for;
use crate::data::DataFolder;
use crate::log::Output;
use crate::port::Port;
use crate::process::{Process, Start};

/// What Sentinel calls the primary.
const NAME: &str = "larder";

/// A running primary with its replica and its Sentinel.
#[derive(Debug)]
pub struct RedisSentinel {
    sentinel: Process,
    /// First the one that starts as the primary.
    nodes: Vec<RedisServer>,
    port: Port,
    _ports: Vec<Port>,
}

impl RedisSentinel {
    /// Starts the three in this folder. A primary that does not answer for `down_after` is replaced.
    ///
    /// # Errors
    /// Where no fit Redis is installed, or one does not come up.
    pub async fn start(data: &Arc<DataFolder>, down_after: Duration) -> Result<Self> {
        let program = RedisProgram::find()?;
        let (mut nodes, mut ports): (Vec<RedisServer>, Vec<Port>) = (vec![], vec![]);
        for number in 0..2 {
            let mut arguments = vec!["--repl-diskless-sync-delay".to_owned(), "0".to_owned()];
            if let Some(primary) = nodes.first() {
                arguments.extend(["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.port().to_string()]);
            }
            let (node, port) = on_free_ports(1, |ports| Settings {
                name: format!("Redis server {number}"),
                program: program.clone(),
                folder: data.path().join(format!("sentinel/{number}")),
                lock: Some(data.clone()),
                port: ports[0].number(),
                arguments: arguments.clone(),
                clock: Clock::default(),
            })
            .await?;
            nodes.push(node);
            ports.extend(port);
        }
        let port = Port::reserve()?;
        let folder = data.path().join("sentinel");
        let (config, milliseconds) = (folder.join("sentinel.conf"), down_after.as_millis());
        // Sentinel writes to the file what it learns.
        let text = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {NAME} {milliseconds}\nsentinel failover-timeout {NAME} 10000\n",
            port.number(),
            nodes[0].port(),
        );
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let sentinel = Process::start(Start {
            name: "Redis Sentinel",
            program: program.path(),
            arguments: vec![config.as_os_str(), OsStr::new("--sentinel")],
            environment: vec![],
            stdin: Stdio::null(),
            output: Output::File(folder.join("sentinel.log")),
            on_our_death: Signal::SIGKILL,
        })?;
        let started = Self { sentinel, nodes, port, _ports: ports };
        wait_for("the Sentinel knows both servers", async || {
            let known: Vec<Value> = started.ask("REPLICAS").await?;
            ensure!(known.len() == 1, "it knows no replica");
            Ok(())
        })
        .await?;
        Ok(started)
    }

    /// `127.0.0.1:<port>` of the Sentinel.
    #[must_use]
    pub fn address(&self) -> String {
        self.port.address().to_string()
    }

    /// What it calls the primary.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The Sentinel, to kill or pause it.
    pub fn sentinel(&mut self) -> &mut Process {
        &mut self.sentinel
    }

    /// One of the two servers. One that is started again may say that it is what it was at first,
    /// until the Sentinel has put that right.
    ///
    /// # Panics
    /// Where `number` is neither 0 nor 1.
    pub fn node_mut(&mut self, number: usize) -> &mut RedisServer {
        &mut self.nodes[number]
    }

    /// Which of the two the Sentinel says is the primary.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn primary(&self) -> Result<usize> {
        let (_, port): (String, u16) = self.ask("GET-MASTER-ADDR-BY-NAME").await?;
        self.nodes.iter().position(|node| node.port() == port).context("it names somebody else")
    }

    async fn ask<T: FromRedisValue>(&self, what: &str) -> Result<T> {
        let client = Client::open(format!("redis://{}", self.address()))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        Ok(redis::cmd("SENTINEL").arg(what).arg(NAME).query_async(&mut connection).await?)
    }
}
