//! How long to wait before trying again. It never gives up, and jitter keeps workers that failed
//! together from coming back together.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Delays that begin at 20 ms and double; jitter adds as much again at most.
pub struct Backoff {
    delays: ExponentialBackoff,
    longest: Duration,
}

impl Backoff {
    /// For a partition that Redis refuses to commit: up to a second.
    pub fn for_commit() -> Self {
        Self::up_to(Duration::from_millis(500))
    }

    /// For a new connection: it costs little, and all writes wait for it. Up to half a second.
    pub fn for_connection() -> Self {
        Self::up_to(Duration::from_millis(250))
    }

    /// For another look at who the masters are, while one of them is not well. Up to a quarter of a second.
    pub fn for_look() -> Self {
        Self::up_to(Duration::from_millis(125))
    }

    /// The next delay.
    pub fn next_delay(&mut self) -> Duration {
        self.delays.next().unwrap_or(self.longest)
    }

    fn up_to(longest: Duration) -> Self {
        let delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times();
        Self { delays: delays.build(), longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_at_most_a_second_and_never_end() {
        let mut backoff = Backoff::for_commit();
        assert!(backoff.next_delay() < Duration::from_millis(41));
        let later: Vec<Duration> = (0..1000).map(|_| backoff.next_delay()).collect();
        assert!(later[10..].iter().all(|d| (backoff.longest..=backoff.longest * 2).contains(d)));
    }
}
