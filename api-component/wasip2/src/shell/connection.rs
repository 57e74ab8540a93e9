//! The connection to a Redis of one request.
//!
//! It is opened by the first command; `/health/live` needs none. One that failed is dropped, and
//! the next command opens a new one.

use std::cell::Cell;
use std::time::Duration;

use larder_api::store::node::{Command, Node};
use larder_api::store::places::Counted;
use larder_api::store::redis::{RedisError, Reply};
use spin_sdk::redis::{Connection as Open, Error, RedisParameter, RedisResult};

pub struct Connection {
    url: String,
    open: Cell<Option<Open>>,
}

impl Connection {
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

impl Node for Connection {
    type Places = Counted;

    fn new(url: String, _: Duration) -> Self {
        Self { url, open: Cell::default() }
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.call(|open| open.get(key))
    }

    async fn execute(&self, command: Command<'_>) -> Result<Vec<Reply>, RedisError> {
        let parameters: Vec<_> =
            command.arguments.iter().map(|argument| RedisParameter::Binary(argument.to_vec())).collect();
        let results = self.call(|open| open.execute(command.name, &parameters))?;
        Ok(results.into_iter().map(reply).collect())
    }

    /// On the same connection: nobody else uses it.
    async fn execute_alone(&self, commands: &[Command<'_>], _: Duration) -> Vec<Result<Vec<Reply>, RedisError>> {
        let mut replies = vec![];
        for command in commands {
            let result = self.execute(*command).await;
            let is_over = result.is_err();
            replies.push(result);
            if is_over {
                break;
            }
        }
        replies
    }

    /// Each request has its connection, and each that waits an instance.
    async fn pause(_: Duration) -> bool {
        false
    }

    async fn sleep(time: Duration) {
        std::thread::sleep(time);
    }
}

larder_api::from_sdk!(RedisResult, Error);
