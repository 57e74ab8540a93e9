//! `spin:redis/redis@3.0.0`.

use redis::{Cmd, FromRedisValue};
use wasmtime::AsContextMut as _;
use wasmtime::component::{Accessor, HasSelf, Resource};

use super::{Connection, name};
use crate::runtime::bindings::wasip3::spin::redis::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, Payload, RedisParameter, RedisResult,
};
use crate::runtime::instance::InstanceState;
use crate::runtime::observe::Command;

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

fn connection(access: &Access, connection: &Resource<Connection>) -> wasmtime::Result<Connection> {
    access.with(|mut access| Ok(access.get().table.get(connection)?.clone()))
}

/// Starts to tell of a command, for the request whose task calls.
fn observe(access: &Access, name: impl FnOnce() -> String) -> Command {
    access.with(|mut access| {
        let observer = access.get().observer.clone();
        observer.command(name, || {
            let mut store = access.as_context_mut();
            let task = store.async_call_stack().ok()?.last()?;
            store.data().requests.get(&task).cloned()
        })
    })
}

async fn call<T: FromRedisValue>(access: &Access, c: Resource<Connection>, command: Cmd) -> Answer<T> {
    let connection = connection(access, &c)?;
    let observed = observe(access, || name(&command).into_owned());
    let answer = connection.call(command).await;
    observed.answered(&answer);
    Ok(answer)
}

impl HostConnectionWithStore<InstanceState> for HasSelf<InstanceState> {
    async fn open(access: &Access, address: String) -> Answer<Resource<Connection>> {
        let (application, shared, is_first) = access.with(|mut access| {
            let state = access.get();
            (state.application.clone(), state.redis.clone(), state.addresses.insert(address.clone()))
        });
        match Connection::open(&application, &shared, &address, is_first).await {
            Ok(connection) => access.with(|mut access| Ok(Ok(access.get().table.push(connection)?))),
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
        let connection = connection(access, &c)?;
        let observed = observe(access, || command.clone());
        let answer = connection.execute(&command, arguments).await;
        observed.answered(&answer);
        Ok(answer)
    }
}
