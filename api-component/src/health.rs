//! `GET /health/live` and `/health/ready`.
//!
//! Live says that the component runs, and asks nobody. Ready says that reads are answered and
//! writes are applied: Redis answers, a worker lives, and no write has waited too long. A store
//! that is full stays ready, since it serves reads and deletes.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use larder_protocol::limits;
use larder_protocol::token::Scope;
use serde::Serialize;

use crate::access::Access;
use crate::json::document;
use crate::problem::Problem;
use crate::redis::{Redis, RedisError};
use crate::{query, store};

/// Which check failed.
#[derive(Debug)]
pub enum NotReady {
    /// Redis does not answer.
    Redis(RedisError),
    /// No worker has sent a heartbeat.
    NoWorker,
    /// The oldest unapplied write has waited this long.
    Lagging(Duration),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(_) => write!(f, "redis: the store cannot be reached."),
            Self::NoWorker => {
                write!(
                    f,
                    "workers: none has reported for {} s; writes are accepted, but not applied.",
                    limits::HEARTBEAT_EXPIRY.as_secs()
                )
            }
            Self::Lagging(age) => {
                write!(
                    f,
                    "lag: the oldest write waits for {} s; at most {} s are normal.",
                    age.as_secs(),
                    limits::READY_MAX_LAG.as_secs()
                )
            }
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
    check(redis).await.map_err(if told { Problem::NotReady } else { Problem::NotReadyUntold })?;
    Ok(document(&Health { status: "ready" }))
}

async fn check(redis: &impl Redis) -> Result<(), NotReady> {
    if store::live_workers(redis).await.map_err(NotReady::Redis)? == 0 {
        return Err(NotReady::NoWorker);
    }
    let lag = Duration::from_millis(store::lag(redis).await.map_err(NotReady::Redis)?);
    if lag > limits::READY_MAX_LAG { Err(NotReady::Lagging(lag)) } else { Ok(()) }
}
