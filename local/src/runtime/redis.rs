//! A component's connections to Redis, as Spin gives them.
//!
//! A connection lives as long as the component holds it, is never renewed, and no call on it has
//! a timeout: time and trouble are the component's own business. [`wasip3`] and [`wasip2`] are the
//! two interfaces to it. A call of the former is an async one of the component model, so the other
//! requests of the instance go on meanwhile; a call of the latter blocks its instance, though not
//! the host.
//!
//! It is a connection of the component's own only from the first command on for which that matters: what neither
//! blocks nor leaves anything behind goes over one that all instances of a core share ([`shared`]). So many commands
//! travel in one system call, and few instances have to connect first. An instance that opens another to the same
//! address wants what it does there apart, and gets one of its own.

mod reply;
mod shared;
mod wasip2;
mod wasip3;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard};

use redis::aio::MultiplexedConnection;
use redis::{Arg, AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};

use super::bindings::wasip3::spin::redis::redis::{Error, RedisParameter, RedisResult};
use crate::spin::Application;
use reply::Reply;
use shared::Link;

pub use shared::Shared;

/// A connection that a component has opened.
#[derive(Clone)]
pub struct Connection {
    address: Arc<str>,
    shared: Shared,
    way: Arc<Mutex<Way>>,
}

/// Where its commands go.
#[derive(Clone)]
enum Way {
    Shared(Link),
    Own(MultiplexedConnection),
}

/// What may go over a connection that others use too. Of all others nobody knows.
const SHARED: [&str; 11] =
    ["PING", "GET", "SET", "DEL", "INCR", "SADD", "SMEMBERS", "SREM", "PUBLISH", "EVAL", "EVALSHA"];
/// What counts by what its own connection wrote before.
const COUNTING: [&str; 2] = ["WAIT", "WAITAOF"];

impl Connection {
    /// Connects, where the application may connect to. The first of an instance to this address may be shared.
    async fn open(application: &Application, shared: &Shared, address: &str, is_first: bool) -> Result<Self, Error> {
        if !application.allowed_hosts.allows(address, "redis") {
            tracing::warn!("a component may not connect to this Redis: see allowed_outbound_hosts in the manifest");
            return Err(Error::InvalidAddress);
        }
        let way = if is_first && !shared.is_over() {
            Way::Shared(match shared.get(address) {
                Some(link) => link,
                None => shared.keep(address, connect(address).await?),
            })
        } else {
            Way::Own(connect(address).await?)
        };
        Ok(Self { address: address.into(), shared: shared.clone(), way: Arc::new(Mutex::new(way)) })
    }

    /// Sends one command and waits for its reply.
    async fn call<T: FromRedisValue>(self, command: Cmd) -> Result<T, Error> {
        match self.way(&name(&command)).await? {
            Way::Shared(link) => self.shared.call(&link, command).await,
            Way::Own(mut own) => command.query_async(&mut own).await,
        }
        .map_err(other)
    }

    async fn way(&self, command: &str) -> Result<Way, Error> {
        let is_one_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(command));
        let way = self.lock().clone();
        match way {
            Way::Shared(_) if is_one_of(&SHARED) && !self.shared.is_over() => Ok(way),
            // What it wrote went this way. It is right, but holds up all others: a component that does this once
            // will do it again.
            Way::Shared(_) if is_one_of(&COUNTING) => {
                self.shared.end();
                Ok(way)
            }
            Way::Shared(_) => {
                let own = Way::Own(connect(&self.address).await?);
                self.lock().clone_from(&own);
                Ok(own)
            }
            Way::Own(_) => Ok(way),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Way> {
        self.way.lock().expect("nobody panics with it")
    }

    /// Any command; the reply is flattened.
    async fn execute(self, command: &str, arguments: Vec<RedisParameter>) -> Result<Vec<RedisResult>, Error> {
        let mut cmd = redis::cmd(command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => cmd.arg(number),
                RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        self.call(cmd).await.map(|Reply(flat)| flat)
    }
}

async fn connect(address: &str) -> Result<MultiplexedConnection, Error> {
    let client = Client::open(address).map_err(|error| {
        // The component only learns that the address is invalid; here is why. No credentials.
        tracing::warn!("a component's Redis address is refused: {error}");
        Error::InvalidAddress
    })?;
    // The crate's defaults would cut calls off that run on under Spin.
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(other)
}

/// What a command is called.
fn name(command: &Cmd) -> Cow<'_, str> {
    match command.args_iter().next() {
        Some(Arg::Simple(name)) => String::from_utf8_lossy(name),
        _ => Cow::Borrowed(""),
    }
}

fn other(error: RedisError) -> Error {
    Error::Other(error.to_string())
}
