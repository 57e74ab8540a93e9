//! `GET /health/live` and `/health/ready`.
//!
//! Live says that the component runs, and asks nobody. Ready says that reads are answered and
//! writes are applied: Redis answers, its data has the format of this version, a worker lives, and no write has waited
//! too long. A store
//! that is full stays ready, since it serves reads and deletes. In a cluster all of that holds for each master, and
//! the partitions of those for which it does not are named.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use larder_protocol::token::Scope;
use larder_protocol::{OtherFormat, Partition, limits};
use serde::Serialize;

use crate::access::Access;
use crate::store;
use crate::store::redis::{Master, Redis, RedisError};
use crate::web::json::document;
use crate::web::problem::{Kind, Problem};
use crate::web::query;

/// Which check failed.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    /// Redis does not answer.
    #[error("redis: the store cannot be reached")]
    Redis(RedisError),
    /// This version does not know what the store holds.
    #[error("format: {0}")]
    Format(OtherFormat),
    /// No worker has sent a heartbeat.
    #[error(
        "workers: none has reported for {} s; writes are accepted, but not applied",
        limits::HEARTBEAT_EXPIRY.as_secs()
    )]
    NoWorker,
    /// The oldest unapplied write has waited this long.
    #[error(
        "lag: the oldest write waits for {} s; at most {} s are normal",
        .0.as_secs(),
        limits::READY_MAX_LAG.as_secs()
    )]
    Lagging(Duration),
}

/// What is wrong with some of the store.
struct Trouble {
    reason: NotReady,
    /// The master and its partitions, where there are several.
    part: Option<Master>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match &self.part {
            Some(Master { address, partitions }) => {
                write!(f, " ({address}: partitions {})", Partition::ranges(partitions))
            }
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Answers 200 whenever the component runs.
pub fn live<B>(request: &Request<B>) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    Ok(document(&Health { status: "live" }))
}

/// Answers 200 when reads are answered and writes are applied, 503 if not. Which check failed is
/// told to an administrator only: to others it is how to see whether an attack succeeds.
pub async fn ready<B>(
    request: &Request<B>,
    access: &Access<'_>,
    redis: &impl Redis,
) -> Result<Response<Bytes>, Problem> {
    let told = access.require(Scope::Admin).is_ok();
    query::parameters(request.uri(), [])?;
    let troubles = check(redis).await;
    if troubles.is_empty() { Ok(document(&Health { status: "ready" })) } else { Err(not_ready(&troubles, told)) }
}

/// Why the service is not ready: for the log, and for the client where it may be `told`.
fn not_ready(troubles: &[Trouble], told: bool) -> Problem {
    let detail = if told {
        format!("{}.", troubles.iter().map(Trouble::to_string).collect::<Vec<_>>().join("; "))
    } else {
        "The service is not ready; a token with the scope admin is told why.".to_owned()
    };
    let causes = troubles.iter().map(|trouble| match &trouble.reason {
        NotReady::Redis(error) => error.to_string(),
        NotReady::Format(_) | NotReady::NoWorker | NotReady::Lagging(_) => trouble.to_string(),
    });
    Problem::new(Kind::NotReady, detail).caused_by(causes.collect::<Vec<_>>().join("; "))
}

/// Checks each master; asking for the lag has shown where the partitions are.
async fn check(redis: &impl Redis) -> Vec<Trouble> {
    let mut lags: HashMap<_, _> = store::lags(redis).await.into_iter().collect();
    let masters = redis.masters().await;
    let is_one = masters.len() == 1;
    let checks = masters.into_iter().map(|master| {
        let lags: Vec<_> = master.partitions.iter().filter_map(|p| lags.remove(p)).collect();
        async move { (check_master(redis, master.partitions[0], lags).await, master) }
    });
    let checked = join_all(checks).await.into_iter();
    checked
        .filter_map(|(result, part)| Some(Trouble { reason: result.err()?, part: (!is_one).then_some(part) }))
        .collect()
}

/// Checks a master, whose first partition keeps the roster of its workers, and says the format of the data for all.
async fn check_master(
    redis: &impl Redis,
    first: Partition,
    lags: Vec<Result<u64, RedisError>>,
) -> Result<(), NotReady> {
    let lags: Vec<u64> = lags.into_iter().collect::<Result<_, _>>().map_err(NotReady::Redis)?;
    store::format(redis, first).await.map_err(NotReady::Redis)?.map_err(NotReady::Format)?;
    if store::live_workers(redis, first).await.map_err(NotReady::Redis)? == 0 {
        return Err(NotReady::NoWorker);
    }
    let lag = Duration::from_millis(lags.into_iter().max().unwrap_or_default());
    if lag > limits::READY_MAX_LAG { Err(NotReady::Lagging(lag)) } else { Ok(()) }
}
