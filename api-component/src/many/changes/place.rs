//! A place among the requests that wait for changes.
//!
//! On WASI 0.2 such a request holds an instance. The host has a fixed number of those, and when they are gone it answers
//! every request with 500, reads and writes too. So there are fewer places than instances. They are counted in Redis, for
//! the whole store: an instance that serves one request knows of no other, nor of its host. On WASI 0.3 sixteen such
//! requests share an instance, nothing is counted, and nothing is asked of Redis ([`crate::store::places`]).

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use larder_protocol::limits::{KEEP_ALIVE_INTERVAL, STREAM_KEPT};

use crate::store;
use crate::store::redis::Redis;
use crate::web::problem::{Kind, Problem};

/// A place that was taken. It is free again when its time is over, or after [`Place::leave`].
#[derive(Clone)]
pub struct Place {
    name: String,
    most: u64,
    kept: Instant,
}

impl Place {
    /// Takes one of `most` places for so long.
    ///
    /// # Errors
    /// 503 `too-many-followers` where all are taken, or what [`store::read_failed`] makes of an error.
    pub async fn take(redis: &impl Redis, most: u64, time: Duration) -> Result<Self, Problem> {
        let name = format!("{:016x}", RandomState::new().build_hasher().finish());
        if !redis.hold_place(&name, most, time).await.map_err(store::read_failed)? {
            let detail = format!("{most} requests wait for changes already, as many as may at once. Try again later.");
            return Err(Problem::new(Kind::TooManyFollowers, detail));
        }
        Ok(Self { name, most, kept: Instant::now() })
    }

    /// Keeps the place of a stream, where that is due. A Redis that does not answer does not end the stream.
    pub async fn keep(&mut self, redis: &impl Redis) {
        if self.kept.elapsed() + KEEP_ALIVE_INTERVAL + KEEP_ALIVE_INTERVAL / 3 >= STREAM_KEPT {
            self.kept = Instant::now();
            let _ = redis.hold_place(&self.name, self.most, STREAM_KEPT).await;
        }
    }

    /// Gives the place back. Where that fails its time ends it.
    pub async fn leave(&self, redis: &impl Redis) {
        let _ = redis.leave_place(&self.name).await;
    }
}
