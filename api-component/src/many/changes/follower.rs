//! What comes after the body of an answer that goes on.

use std::time::{Duration, Instant};

use bytes::Bytes;
use larder_protocol::limits::{KEEP_ALIVE_INTERVAL, MAX_STREAM};

use super::document::Format;
use super::place::Place;
use super::reader::Reader;
use crate::store::Timed;
use crate::store::redis::Redis;
use crate::web::log::Log;

/// A stream of changes under way. It owns all that it is, so that a host may go on with it when the
/// request is answered: [`Follower::next`] tells what to send. It reads on only when it is asked, so a slow
/// client costs the store nothing.
#[derive(Clone)]
pub struct Follower {
    format: Format,
    reader: Reader,
    log: Log,
    place: Place,
    /// When the stream ends.
    ends: Instant,
    has_failed: bool,
}

impl Follower {
    /// A stream that goes on where `reader` is, for as long as `token_left` at most.
    pub(super) fn new(format: Format, reader: Reader, token_left: Option<Duration>, place: Place, log: Log) -> Self {
        let ends = Instant::now() + token_left.map_or(MAX_STREAM, |left| left.min(MAX_STREAM));
        Self { format, reader, log, place, ends, has_failed: false }
    }

    /// Waits for what comes next; `None` at the end. Where nothing happens for a while it says so, by which
    /// a host notices that the client has gone.
    pub async fn next(&mut self, redis: &impl Redis) -> Option<Bytes> {
        let now = Instant::now();
        if self.has_failed || now >= self.ends {
            return None;
        }
        if !self.place.keep(redis).await {
            return None;
        }
        let mut text = Vec::new();
        let from = self.reader.positions;
        // Nobody reads this clock; with it, the component has the code behind it once and not twice.
        match self.reader.wait(&Timed::new(redis), self.ends.min(now + KEEP_ALIVE_INTERVAL)).await {
            Ok(told) if told.is_empty() => self.format.write_nothing(&mut text, &self.reader.positions),
            Ok(told) => self.format.write(&mut text, from, &told, &self.reader.positions),
            // It waits for what cannot be reached, and has its place in it.
            Err(problem) if problem.is_temporary() => self.format.write_nothing(&mut text, &self.reader.positions),
            Err(problem) => {
                problem.log(self.log, [("method", "GET".into()), ("path", "/changes".into())]);
                self.has_failed = true;
                self.format.write_problem(&mut text, &problem);
            }
        }
        Some(text.into())
    }

    /// Says that the stream is over, for a host that knows.
    pub async fn leave(&self, redis: &impl Redis) {
        self.place.leave(redis).await;
    }
}
