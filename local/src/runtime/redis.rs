//! `spin:redis`: a component's connections to Redis.
//!
//! As in Spin, a connection lives as long as the component holds it, is never renewed, and no
//! call on it has a timeout: time and trouble are the component's own business. Every call is an
//! async one of the component model, so the other requests of the instance go on meanwhile.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};
use wasmtime::component::{Accessor, HasSelf, Resource};

use super::bindings::spin::redis::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, Payload, RedisParameter, RedisResult,
};
use super::instance::InstanceState;
use super::redis_reply::Reply;

/// A connection that a component has opened.
pub struct Connection(MultiplexedConnection);

type Access = Accessor<InstanceState, HasSelf<InstanceState>>;
/// Outside: the host is broken, the instance traps. Inside: the component is told.
type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceState {}

impl HostConnection for InstanceState {
    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn other(error: RedisError) -> Error {
    Error::Other(error.to_string())
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

/// Sends one command and waits for its reply.
async fn call<T: FromRedisValue>(access: &Access, connection: Resource<Connection>, command: Cmd) -> Answer<T> {
    let mut connection = access
        .with(|mut access| access.get().table.get(&connection).map(|Connection(connection)| connection.clone()))?;
    Ok(command.query_async(&mut connection).await.map_err(other))
}

impl HostConnectionWithStore<InstanceState> for HasSelf<InstanceState> {
    async fn open(access: &Access, address: String) -> Answer<Resource<Connection>> {
        let allowed = access.with(|mut access| access.get().application.allowed_hosts.allows(&address, "redis"));
        if !allowed {
            tracing::warn!("a component may not connect to this Redis: see allowed_outbound_hosts in spin.toml");
            return Ok(Err(Error::InvalidAddress));
        }
        match connect(&address).await {
            Ok(connection) => access.with(|mut access| Ok(Ok(access.get().table.push(Connection(connection))?))),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn publish(access: &Access, c: Resource<Connection>, channel: String, payload: Payload) -> Answer<()> {
        call(access, c, Cmd::publish(channel, payload)).await
    }

    async fn get(access: &Access, c: Resource<Connection>, key: String) -> Answer<Option<Payload>> {
        call(access, c, Cmd::get(key)).await
    }

    async fn set(access: &Access, c: Resource<Connection>, key: String, value: Payload) -> Answer<()> {
        call(access, c, Cmd::set(key, value)).await
    }

    async fn incr(access: &Access, c: Resource<Connection>, key: String) -> Answer<i64> {
        call(access, c, Cmd::incr(key, 1)).await
    }

    async fn del(access: &Access, c: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        call(access, c, Cmd::del(keys)).await
    }

    async fn sadd(access: &Access, c: Resource<Connection>, key: String, values: Vec<String>) -> Answer<u32> {
        call(access, c, Cmd::sadd(key, values)).await
    }

    async fn smembers(access: &Access, c: Resource<Connection>, key: String) -> Answer<Vec<String>> {
        call(access, c, Cmd::smembers(key)).await
    }

    async fn srem(access: &Access, c: Resource<Connection>, key: String, values: Vec<String>) -> Answer<u32> {
        call(access, c, Cmd::srem(key, values)).await
    }

    async fn execute(
        access: &Access,
        c: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let mut cmd = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => cmd.arg(number),
                RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        Ok(call::<Reply>(access, c, cmd).await?.map(|Reply(flat)| flat))
    }
}
