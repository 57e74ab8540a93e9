//! One Redis, as the shells connect to it.

use std::time::Duration;

use super::places::Places;
use super::redis::{RedisError, Reply};

/// A command with its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// Its name, such as `GET`.
    pub name: &'a str,
    /// What follows.
    pub arguments: &'a [&'a [u8]],
}

/// A connection to one Redis that comes back by itself. Every call is bounded in time where the host lets
/// it be: not in WASI 0.2.
#[allow(async_fn_in_trait, reason = "a component has one thread; its futures need not be Send")]
pub trait Node {
    /// [`Counted`](super::places::Counted) where a request has its instance for itself: one that waits takes it from
    /// others.
    type Places: Places;

    /// The Redis at this URL; it connects with the first command. A command may take `timeout`,
    /// connecting included.
    fn new(url: String, timeout: Duration) -> Self;

    /// `GET key`.
    ///
    /// # Errors
    /// See [`RedisError`].
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError>;

    /// Any command; nested replies arrive flattened. Spin 3 may leave nils
    /// out of them.
    ///
    /// # Errors
    /// See [`RedisError`].
    async fn execute(&self, command: Command<'_>) -> Result<Vec<Reply>, RedisError>;

    /// Commands one after the other, up to the first that fails, over a connection that nobody else uses
    /// meanwhile: they may block in Redis for up to `block`. Answers what each answered;
    /// [`RedisError::NotSent`] alone also where there is no such connection, for a single command at once.
    async fn execute_alone(&self, commands: &[Command<'_>], block: Duration) -> Vec<Result<Vec<Reply>, RedisError>>;

    /// Lets time pass, and other requests run; `false`, at once, where a request that pauses would
    /// hold a connection to Redis meanwhile.
    async fn pause(pause: Duration) -> bool;

    /// Lets time pass, whatever is held meanwhile.
    async fn sleep(time: Duration);
}
