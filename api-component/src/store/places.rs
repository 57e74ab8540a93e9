//! The places of requests that wait for changes: counted where each of those has an instance for itself (WASI 0.2), else
//! not. It is a type and no condition, so that a component that counts nothing does not carry the code.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use larder_protocol::{Partition, call, keys};

use super::node::Command;
use super::redis::{Redis, RedisError, Reply};
use super::{ask, unexpected};

/// Whether places are counted.
#[allow(async_fn_in_trait, reason = "a component has one thread; its futures need not be Send")]
pub trait Places {
    /// Takes one of `most` places, or keeps it, for so long; `false` where all are taken. A request has no name at first,
    /// and is given one.
    ///
    /// # Errors
    /// [`RedisError`], after the second try.
    async fn hold(redis: &impl Redis, name: &mut String, most: u64, time: Duration) -> Result<bool, RedisError>;

    /// Gives a place back.
    ///
    /// # Errors
    /// [`RedisError`].
    async fn leave(redis: &impl Redis, name: &str) -> Result<(), RedisError>;
}

/// There are as many as are asked for.
pub struct Uncounted;

impl Places for Uncounted {
    async fn hold(_: &impl Redis, _: &mut String, _: u64, _: Duration) -> Result<bool, RedisError> {
        Ok(true)
    }

    async fn leave(_: &impl Redis, _: &str) -> Result<(), RedisError> {
        Ok(())
    }
}

/// They are counted in Redis (`follow.lua`).
pub struct Counted;

impl Places for Counted {
    async fn hold(redis: &impl Redis, name: &mut String, most: u64, time: Duration) -> Result<bool, RedisError> {
        if name.is_empty() {
            *name = format!("{:016x}", RandomState::new().build_hasher().finish());
        }
        let call = call::follow(name, most, time);
        let reply = ask(redis, &call).await?;
        match *reply {
            [Reply::Int(has_place)] => Ok(has_place == 1),
            _ => Err(unexpected(&call, &reply)),
        }
    }

    async fn leave(redis: &impl Redis, name: &str) -> Result<(), RedisError> {
        let key = keys::followers(Partition::FIRST);
        redis
            .execute(Partition::FIRST, Command { name: "ZREM", arguments: &[key.as_bytes(), name.as_bytes()] })
            .await?;
        Ok(())
    }
}
