//! How long a request was with Redis, which an answer tells (`Server-Timing`).

use std::cell::Cell;
use std::time::{Duration, Instant};

use larder_protocol::Partition;

use super::Lookout;
use super::node::Command;
use super::redis::{Master, Redis, RedisError, Replicated, Reply};

/// The way to Redis for one request, with a clock at it.
pub struct Timed<'a, R> {
    redis: &'a R,
    commands: Stopwatch,
    waits: Stopwatch,
}

impl<'a, R> Timed<'a, R> {
    /// Nothing has been asked yet.
    #[must_use]
    pub fn new(redis: &'a R) -> Self {
        Self { redis, commands: Stopwatch::default(), waits: Stopwatch::default() }
    }

    /// How long commands were under way; `None` where there was none.
    #[must_use]
    pub fn commands(&self) -> Option<Duration> {
        self.commands.spent.get()
    }

    /// How long the request waited for something to happen; `None` where it did not.
    #[must_use]
    pub fn waits(&self) -> Option<Duration> {
        self.waits.spent.get()
    }
}

/// Runs while at least one thing is under way: what goes on at once counts once.
#[derive(Default)]
struct Stopwatch {
    under_way: Cell<u32>,
    since: Cell<Option<Instant>>,
    spent: Cell<Option<Duration>>,
}

/// One thing that is under way, until it is dropped.
struct UnderWay<'a>(&'a Stopwatch);

impl Stopwatch {
    fn start(&self) -> UnderWay<'_> {
        if self.under_way.replace(self.under_way.get() + 1) == 0 {
            self.since.set(Some(Instant::now()));
        }
        UnderWay(self)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let left = self.0.under_way.get() - 1;
        self.0.under_way.set(left);
        if left == 0 {
            let spent = self.0.since.take().map(|since| since.elapsed()).unwrap_or_default();
            self.0.spent.set(Some(self.0.spent.get().unwrap_or_default() + spent));
        }
    }
}

impl<R: Redis> Redis for Timed<'_, R> {
    async fn get(&self, p: Partition, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        let _clock = self.commands.start();
        self.redis.get(p, key).await
    }

    async fn execute(&self, p: Partition, command: Command<'_>) -> Result<Vec<Reply>, RedisError> {
        let _clock = self.commands.start();
        self.redis.execute(p, command).await
    }

    async fn execute_replicated(&self, p: Partition, command: Command<'_>) -> Result<Replicated, RedisError> {
        let _clock = self.commands.start();
        self.redis.execute_replicated(p, command).await
    }

    async fn execute_blocking(
        &self,
        p: Partition,
        command: Command<'_>,
        block: Duration,
    ) -> Result<Vec<Reply>, RedisError> {
        let _clock = self.waits.start();
        self.redis.execute_blocking(p, command, block).await
    }

    fn is_replicated(&self) -> bool {
        self.redis.is_replicated()
    }

    async fn hold_place(&self, name: &mut String, most: u64, time: Duration) -> Result<bool, RedisError> {
        self.redis.hold_place(name, most, time).await
    }

    async fn leave_place(&self, name: &str) -> Result<(), RedisError> {
        self.redis.leave_place(name).await
    }

    async fn masters(&self) -> Vec<Master> {
        self.redis.masters().await
    }

    async fn pause(&self, pause: Duration) -> bool {
        let _clock = self.waits.start();
        self.redis.pause(pause).await
    }

    async fn sleep(&self, pause: Duration) {
        let _clock = self.waits.start();
        self.redis.sleep(pause).await;
    }

    fn lookout(&self) -> &Lookout {
        self.redis.lookout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_at_once_counts_once() {
        let watch = Stopwatch::default();
        assert_eq!(watch.spent.get(), None);
        let started = Instant::now();
        let (first, second) = (watch.start(), watch.start());
        std::thread::sleep(Duration::from_millis(2));
        drop(first);
        assert_eq!(watch.spent.get(), None, "one is under way");
        drop(second);
        let both = watch.spent.get().unwrap();
        assert!(both >= Duration::from_millis(2) && both <= started.elapsed());
        drop(watch.start());
        assert!(watch.spent.get().unwrap() >= both);
    }
}
