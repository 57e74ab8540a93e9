//! A component's connections to Redis, as Spin gives them.
//!
//! A connection lives as long as the component holds it, is never renewed, and no call on it has
//! a timeout: time and trouble are the component's own business. [`wasip3`] and [`wasip2`] are the
//! two interfaces to it. A call of the former is an async one of the component model, so the other
//! requests of the instance go on meanwhile; a call of the latter blocks its instance, though not
//! the host.

mod reply;
mod wasip2;
mod wasip3;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};

use super::bindings::wasip3::spin::redis::redis::{Error, RedisParameter, RedisResult};
use crate::spin::Application;
use reply::Reply;

/// A connection that a component has opened.
#[derive(Clone)]
pub struct Connection(MultiplexedConnection);

impl Connection {
    /// Connects, where the application may connect to.
    async fn open(application: &Application, address: &str) -> Result<Self, Error> {
        if !application.allowed_hosts.allows(address, "redis") {
            tracing::warn!("a component may not connect to this Redis: see allowed_outbound_hosts in the manifest");
            return Err(Error::InvalidAddress);
        }
        let client = Client::open(address).map_err(|error| {
            // The component only learns that the address is invalid; here is why. No credentials.
            tracing::warn!("a component's Redis address is refused: {error}");
            Error::InvalidAddress
        })?;
        // The crate's defaults would cut calls off that run on under Spin.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        client.get_multiplexed_async_connection_with_config(&config).await.map(Self).map_err(other)
    }

    /// Sends one command and waits for its reply.
    async fn call<T: FromRedisValue>(mut self, command: Cmd) -> Result<T, Error> {
        command.query_async(&mut self.0).await.map_err(other)
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

/// What a command is called.
fn name(command: &Cmd) -> String {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(name)) => String::from_utf8_lossy(name).into_owned(),
        _ => String::new(),
    }
}

fn other(error: RedisError) -> Error {
    Error::Other(error.to_string())
}
