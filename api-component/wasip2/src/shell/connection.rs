//! The connection to Redis of one request.
//!
//! It is opened by the first command; `/health/live` needs none. One that failed is dropped, and
//! the next command opens a new one.

use std::cell::Cell;
use std::time::Duration;

use larder_api::store::Lookout;
use larder_api::store::redis::{Redis, RedisError, Reply};
use spin_sdk::redis::{Connection as Open, Error, RedisParameter, RedisResult};
use wasi::clocks::monotonic_clock::subscribe_duration;

pub struct Connection {
    url: String,
    open: Cell<Option<Open>>,
    lookout: Lookout,
}

impl Connection {
    pub fn new(url: String) -> Self {
        Self { url, open: Cell::default(), lookout: Lookout::default() }
    }

    /// Runs `command` on the open connection, opening it first where need be. Nothing bounds it in
    /// time: the host has no limit, and this instance stands still meanwhile.
    fn call<T>(&self, command: impl FnOnce(&Open) -> Result<T, Error>) -> Result<T, RedisError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => Open::open(&self.url).map_err(|error| RedisError::NotSent(told(error).to_string()))?,
        };
        let result = command(&open).map_err(|error| RedisError::from_host(&told(error)));
        if !matches!(result, Err(RedisError::Lost(_))) {
            self.open.set(Some(open));
        }
        result
    }
}

impl Redis for Connection {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.call(|open| open.get(key))
    }

    async fn execute(&self, command: &str, arguments: &[&[u8]]) -> Result<Vec<Reply>, RedisError> {
        let parameters: Vec<_> = arguments.iter().map(|argument| RedisParameter::Binary(argument.to_vec())).collect();
        let results = self.call(|open| open.execute(command, &parameters))?;
        Ok(results.into_iter().map(reply).collect())
    }

    /// On the same connection: nobody else uses it.
    async fn execute_blocking(
        &self,
        command: &str,
        arguments: &[&[u8]],
        _: Duration,
    ) -> Result<Vec<Reply>, RedisError> {
        self.execute(command, arguments).await
    }

    /// Each request has its connection, and each that waits an instance.
    async fn pause(&self, _: Duration) -> bool {
        false
    }

    async fn sleep(&self, pause: Duration) {
        let nanoseconds = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        subscribe_duration(nanoseconds).block();
    }

    fn lookout(&self) -> &Lookout {
        &self.lookout
    }
}

larder_api::from_sdk!(RedisResult, Error);
