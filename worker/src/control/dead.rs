//! `/dead`: the dead letters, for clients that speak HTTP.
//!
//! | request | does | answers |
//! |---|---|---|
//! | `GET /dead[?partition=7]` | tells where there are some | how many, and the youngest, by partition |
//! | `GET /dead/letters?until=7-9-0[&after=5-0]` | reads on in a partition | a short page of letters |
//! | `GET /dead/letters/7-9-0` | reads one | the letter, its value included |
//! | `POST /dead/letters/7-9-0/retry` | puts it back | the revision that it is now |
//! | `DELETE /dead/letters/7-9-0` | removes it for good | 204 |

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::routing::{get, post};
use axum::{Json, Router};
use larder_operator::dead::{Letter, Letters as _, Requeued, Retried, Snapshot};
use larder_protocol::{Partition, Revision};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::problem::Problem;
use crate::connection::RedisSettings;
use crate::dead::Store;

/// What the requests share: the connections to the masters, until one fails.
struct Shared {
    redis: RedisSettings,
    store: Mutex<Option<Arc<Store>>>,
}

type Answer<T> = Result<T, Problem>;

/// What the query says, where it can be read.
type Asked<T> = Result<Query<T>, QueryRejection>;

/// The routes, for the store in this Redis.
pub fn routes(redis: RedisSettings) -> Router {
    Router::new()
        .route("/dead", get(snapshots))
        .route("/dead/letters", get(page))
        .route("/dead/letters/{name}", get(letter).delete(drop_letter))
        .route("/dead/letters/{name}/retry", post(retry))
        .with_state(Arc::new(Shared { redis, store: Mutex::default() }))
}

#[derive(Deserialize)]
struct Where {
    partition: Option<u8>,
}

#[derive(Deserialize)]
struct Range {
    until: String,
    after: Option<String>,
}

async fn snapshots(State(shared): State<Arc<Shared>>, query: Asked<Where>) -> Answer<Json<Vec<Snapshot>>> {
    let query = query?;
    let partition = |number| Partition::new(number).ok_or_else(|| Problem::invalid("There is no such partition."));
    let only = query.partition.map(partition).transpose()?;
    let store = shared.store().await?;
    shared.told(store.snapshots(only).await).await.map(Json)
}

async fn page(
    State(shared): State<Arc<Shared>>,
    query: Asked<Range>,
) -> Answer<([(HeaderName, &'static str); 1], Json<Vec<Letter>>)> {
    let query = query?;
    let snapshot = Snapshot { last: name(&query.until)?, count: 0 };
    let after = query.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::invalid("The parameter after is no <ms>-<seq>."))?;
    let store = shared.store().await?;
    let letters = shared.told(store.page(&snapshot, after).await).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(letters)))
}

async fn letter(
    State(shared): State<Arc<Shared>>,
    path: Path<String>,
) -> Answer<([(HeaderName, &'static str); 1], Json<Letter>)> {
    let name = name(&path)?;
    let store = shared.store().await?;
    let letter = shared.told(store.letter(name).await).await?.ok_or_else(|| absent(name))?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(letter)))
}

async fn retry(State(shared): State<Arc<Shared>>, path: Path<String>) -> Answer<Json<Requeued>> {
    let name = name(&path)?;
    let store = shared.store().await?;
    match shared.told(store.retry(name).await).await? {
        Retried::As(revision) => {
            tracing::info!(letter = %name, %revision, "a dead letter was put back");
            Ok(Json(Requeued { revision }))
        }
        Retried::Absent => Err(absent(name)),
        Retried::Unfit(reason) => Err(Problem::conflict(reason)),
    }
}

async fn drop_letter(State(shared): State<Arc<Shared>>, path: Path<String>) -> Answer<StatusCode> {
    let name = name(&path)?;
    let store = shared.store().await?;
    if !shared.told(store.remove(name).await).await? {
        return Err(absent(name));
    }
    tracing::info!(letter = %name, "a dead letter was dropped");
    Ok(StatusCode::NO_CONTENT)
}

fn name(text: &str) -> Answer<Revision> {
    text.parse().map_err(|_| Problem::invalid("A dead letter is named <partition>-<ms>-<seq>: 7-1764000000123-0, say."))
}

fn absent(name: Revision) -> Problem {
    Problem::not_found(format!("there is no dead letter {name}"))
}

impl Shared {
    async fn store(&self) -> Answer<Arc<Store>> {
        let mut store = self.store.lock().await;
        if let Some(open) = &*store {
            return Ok(Arc::clone(open));
        }
        let opened = Store::open(&self.redis).await.map_err(|failure| Problem::unavailable(&failure.into()))?;
        Ok(Arc::clone(store.insert(Arc::new(opened))))
    }

    /// After a failure the masters are looked for anew.
    async fn told<T>(&self, outcome: anyhow::Result<T>) -> Answer<T> {
        match outcome {
            Ok(told) => Ok(told),
            Err(error) => {
                *self.store.lock().await = None;
                Err(Problem::unavailable(&error))
            }
        }
    }
}
