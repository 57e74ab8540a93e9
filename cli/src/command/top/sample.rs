//! What is looked at each second, and what follows from two looks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::client::{Admin, Client, Readiness, Status};

/// Seconds of which the rate is kept.
const KEPT: usize = 240;

/// What there is to draw.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub store: String,
    /// Whether it is ready, and if not, why; empty before the first look.
    pub ready: Option<Result<(), String>>,
    /// How long `/health/ready` took, which asks Redis.
    pub latency: Option<Duration>,
    /// What the admin server tells; `None` where there is none to ask.
    pub status: Option<Result<Status, String>>,
    /// Writes accepted in a second, the latest last.
    pub rates: Vec<u64>,
}

/// Who looks.
pub struct Sampler {
    store: String,
    client: Client,
    admin: Option<Admin>,
    rates: VecDeque<u64>,
    /// When the writes were counted last, and how many each partition had.
    counted: Option<(Instant, Vec<Option<u64>>)>,
}

impl Sampler {
    pub fn new(store: String, client: Client, admin: Option<Admin>) -> Self {
        Self { store, client, admin, rates: VecDeque::new(), counted: None }
    }

    /// Looks once.
    pub async fn look(&mut self) -> View {
        let start = Instant::now();
        let (ready, latency) = match self.client.ready().await {
            Ok(Readiness::Ready) => (Ok(()), Some(start.elapsed())),
            Ok(Readiness::NotReady(problem)) => (Err(problem.detail), Some(start.elapsed())),
            Err(failure) => (Err(failure.to_string()), None),
        };
        let status = match &self.admin {
            None => None,
            Some(admin) => Some(admin.status().await.map_err(|failure| failure.to_string())),
        };
        if let Some(Ok(status)) = &status {
            let accepted = status.partitions.iter().map(|partition| partition.accepted).collect();
            self.count(Instant::now(), accepted);
        }
        let (store, rates) = (self.store.clone(), self.rates.iter().copied().collect());
        View { store, ready: Some(ready), latency, status, rates }
    }

    /// Only partitions count of which both looks knew something.
    fn count(&mut self, now: Instant, accepted: Vec<Option<u64>>) {
        if let Some((before, counted)) = &self.counted {
            let seconds = now.duration_since(*before).as_secs_f64().max(0.001);
            // After a failover it may be less than before.
            let more =
                |(now, before): (&Option<u64>, &Option<u64>)| Some(now.as_ref()?.saturating_sub(*before.as_ref()?));
            let writes: u64 = accepted.iter().zip(counted).filter_map(more).sum();
            self.rates.push_back((writes as f64 / seconds).round() as u64);
            if self.rates.len() > KEPT {
                self.rates.pop_front();
            }
        }
        self.counted = Some((now, accepted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_difference_of_two_looks() {
        let client = Client::new(&"http://127.0.0.1:1".parse().unwrap(), None, 0).unwrap();
        let mut sampler = Sampler::new(String::new(), client, None);
        let start = Instant::now();
        for (second, one, other) in
            [(0, Some(100), None), (2, Some(300), Some(7)), (3, Some(300), Some(8)), (4, Some(10), None)]
        {
            sampler.count(start + Duration::from_secs(second), vec![one, other]);
        }
        assert_eq!(sampler.rates, [100, 1, 0]);
    }
}
