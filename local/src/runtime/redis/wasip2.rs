//! `fermyon:spin/redis@2.0.0`: the same functions, the same errors and replies.

use redis::{Cmd, FromRedisValue};
use wasmtime::component::Resource;

use super::{Connection, name};
use crate::runtime::bindings::wasip2::fermyon::spin::redis::{
    Error, Host, HostConnection, Payload, RedisParameter, RedisResult,
};
use crate::runtime::bindings::wasip3::spin::redis::redis as v3;
use crate::runtime::instance::InstanceState;
use crate::runtime::observe::Command;

/// As in [`super::wasip3`].
type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl InstanceState {
    async fn call<T: FromRedisValue>(&mut self, c: Resource<Connection>, command: Cmd) -> Answer<T> {
        let connection = self.table.get(&c)?.clone();
        let observed = self.observe(|| name(&command).into_owned());
        let answer = connection.call(command).await;
        observed.answered(&answer);
        Ok(answer.map_err(Error::from))
    }

    /// Starts to tell of a command, for the one request that the instance has.
    fn observe(&self, name: impl FnOnce() -> String) -> Command {
        self.observer.command(name, || self.requests.values().next().cloned())
    }
}

impl Host for InstanceState {}

impl HostConnection for InstanceState {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        let is_first = self.addresses.insert(address.clone());
        match Connection::open(&self.application, &self.redis, &address, is_first).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn publish(&mut self, c: Resource<Connection>, channel: String, payload: Payload) -> Answer<()> {
        self.call(c, Cmd::publish(channel, payload)).await
    }

    async fn get(&mut self, c: Resource<Connection>, key: String) -> Answer<Option<Payload>> {
        self.call(c, Cmd::get(key)).await
    }

    async fn set(&mut self, c: Resource<Connection>, key: String, value: Payload) -> Answer<()> {
        self.call(c, Cmd::set(key, value)).await
    }

    async fn incr(&mut self, c: Resource<Connection>, key: String) -> Answer<i64> {
        self.call(c, Cmd::incr(key, 1)).await
    }

    async fn del(&mut self, c: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        self.call(c, Cmd::del(keys)).await
    }

    async fn sadd(&mut self, c: Resource<Connection>, key: String, values: Vec<String>) -> Answer<u32> {
        self.call(c, Cmd::sadd(key, values)).await
    }

    async fn smembers(&mut self, c: Resource<Connection>, key: String) -> Answer<Vec<String>> {
        self.call(c, Cmd::smembers(key)).await
    }

    async fn srem(&mut self, c: Resource<Connection>, key: String, values: Vec<String>) -> Answer<u32> {
        self.call(c, Cmd::srem(key, values)).await
    }

    async fn execute(
        &mut self,
        c: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let arguments = arguments.into_iter().map(Into::into).collect();
        let connection = self.table.get(&c)?.clone();
        let observed = self.observe(|| command.clone());
        let reply = connection.execute(&command, arguments).await;
        observed.answered(&reply);
        Ok(reply.map(|flat| flat.into_iter().map(Into::into).collect()).map_err(Error::from))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl From<RedisParameter> for v3::RedisParameter {
    fn from(parameter: RedisParameter) -> Self {
        match parameter {
            RedisParameter::Int64(number) => Self::Int64(number),
            RedisParameter::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<v3::RedisResult> for RedisResult {
    fn from(result: v3::RedisResult) -> Self {
        match result {
            v3::RedisResult::Nil => Self::Nil,
            v3::RedisResult::Status(text) => Self::Status(text),
            v3::RedisResult::Int64(number) => Self::Int64(number),
            v3::RedisResult::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<v3::Error> for Error {
    fn from(error: v3::Error) -> Self {
        match error {
            v3::Error::InvalidAddress => Self::InvalidAddress,
            v3::Error::TooManyConnections => Self::TooManyConnections,
            v3::Error::TypeError => Self::TypeError,
            v3::Error::Other(message) => Self::Other(message),
        }
    }
}
