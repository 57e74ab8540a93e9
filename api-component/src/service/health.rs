//! `GET /health/live` and `/health/ready`.
//!
//! Live says that the component runs, and asks nobody. Ready says that reads are answered and
//! writes are applied: Redis answers, a worker lives, and no write has waited too long. A store
//! that is full stays ready, since it serves reads and deletes.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use larder_protocol::limits;
use larder_protocol::token::Scope;
use serde::Serialize;

use crate::access::Access;
use crate::store;
use crate::store::redis::{Redis, RedisError};
use crate::web::json::document;
use crate::web::problem::{Kind, Problem};
use crate::web::query;

/// Which check failed.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    /// Redis does not answer.
    #[error("redis: the store cannot be reached.")]
    Redis(RedisError),
    /// No worker has sent a heartbeat.
    #[error(
        "workers: none has reported for {} s; writes are accepted, but not applied.",
        limits::HEARTBEAT_EXPIRY.as_secs()
    )]
    NoWorker,
    /// The oldest unapplied write has waited this long.
    #[error(
        "lag: the oldest write waits for {} s; at most {} s are normal.",
        .0.as_secs(),
        limits::READY_MAX_LAG.as_secs()
    )]
    Lagging(Duration),
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
    check(redis).await.map_err(|error| not_ready(&error, told))?;
    Ok(document(&Health { status: "ready" }))
}

/// Why the service is not ready: for the log, and for the client where it may be `told`.
fn not_ready(error: &NotReady, told: bool) -> Problem {
    let detail = if told {
        error.to_string()
    } else {
        "The service is not ready; a token with the scope admin is told why.".to_owned()
    };
    let problem = Problem::new(Kind::NotReady, detail);
    match error {
        NotReady::Redis(error) => problem.caused_by(error),
        NotReady::NoWorker | NotReady::Lagging(_) => problem,
    }
}

async fn check(redis: &impl Redis) -> Result<(), NotReady> {
    if store::live_workers(redis).await.map_err(NotReady::Redis)? == 0 {
        return Err(NotReady::NoWorker);
    }
    let lag = Duration::from_millis(store::lag(redis).await.map_err(NotReady::Redis)?);
    if lag > limits::READY_MAX_LAG { Err(NotReady::Lagging(lag)) } else { Ok(()) }
}
