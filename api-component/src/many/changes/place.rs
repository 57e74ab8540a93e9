//! A place among the requests that wait for changes.
//!
//! On WASI 0.2 such a request holds an instance. The host has a fixed number of those, and when they are gone it answers
//! every request with 500, reads and writes too. So there are fewer places than instances. They are counted in Redis, for
//! the whole store: an instance that serves one request knows of no other, nor of its host. On WASI 0.3 sixteen such
//! requests share an instance, nothing is counted, and nothing is asked of Redis ([`crate::store::places`]).

use std::time::{Duration, Instant};

use larder_protocol::limits::{KEEP_ALIVE_INTERVAL, MAX_STALL, STREAM_KEPT};

use crate::store;
use crate::store::redis::Redis;
use crate::web::problem::{Kind, Problem};

/// How long it takes at most to keep a place, once that is due.
const SLACK: Duration = Duration::from_secs(5);

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
        let mut name = String::new();
        if !redis.hold_place(&mut name, most, time).await.map_err(store::read_failed)? {
            let detail = format!("{most} requests wait for changes already, as many as may at once. Try again later.");
            return Err(Problem::new(Kind::TooManyFollowers, detail));
        }
        Ok(Self { name, most, kept: Instant::now() })
    }

    /// Keeps the place of a stream, where that is due; `false` where it was lost, and all are taken. A Redis that does
    /// not answer does not end the stream.
    pub async fn keep(&mut self, redis: &impl Redis) -> bool {
        if self.kept.elapsed() + KEEP_ALIVE_INTERVAL + MAX_STALL + SLACK < STREAM_KEPT {
            return true;
        }
        self.kept = Instant::now();
        redis.hold_place(&mut self.name, self.most, STREAM_KEPT).await.unwrap_or(true)
    }

    /// Gives the place back. Where that fails its time ends it.
    pub async fn leave(&self, redis: &impl Redis) {
        let _ = redis.leave_place(&self.name).await;
    }
}
