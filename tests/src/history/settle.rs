//! The end of a run: everything is drained, then the fate of each write and the end of each item
//! are asked for.

use std::sync::Arc;

use anyhow::{bail, ensure};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_protocol::{ItemId, Revision};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::client::{Client, Clock};
use super::operation::{Answer, Call, Fate, History, Operation};
use crate::{Larder, eventually};

/// How many writes are asked for at once.
const AT_ONCE: usize = 8;

/// Makes a history of what the clients did. The system must be whole again by now.
///
/// # Errors
/// Where a write is still pending, or an item cannot be read, after half a minute.
pub async fn settle(
    larder: &Arc<Larder>,
    items: &[ItemId],
    clock: Clock,
    operations: Vec<Operation>,
) -> anyhow::Result<History> {
    let mut history = History { items: items.to_vec(), operations, ..History::default() };
    let revision_of = |operation: &Operation| {
        let id = operation.answer.acknowledged()?;
        Some((operation.item, history.revision(operation.item, id)))
    };
    let acknowledged: Vec<_> = history.operations.iter().filter_map(revision_of).collect();
    history.fates = stream::iter(acknowledged)
        .map(async |(item, revision)| anyhow::Ok((revision, fate(larder, &items[item], revision).await?)))
        .buffer_unordered(AT_ONCE)
        .try_collect::<_>()
        .await?;

    let reader = Client::new(larder.clone(), usize::MAX, clock);
    for (item, id) in items.iter().enumerate() {
        let read = eventually("an item can be read", async || {
            let read = reader.perform(item, id, Call::Read { at_least: None }).await;
            ensure!(read.answer != Answer::Refused, "refused");
            Ok(read)
        });
        history.last_reads.push(read.await?);
    }
    Ok(history)
}

/// Asks what became of a write until it is known.
async fn fate(larder: &Larder, id: &ItemId, revision: Revision) -> anyhow::Result<Fate> {
    let path = format!("/writes/{revision}?id={}", id.to_path());
    eventually("the outcome of a write is known", async || {
        let response = larder.request(Method::GET, &path).send().await?;
        let status = response.status();
        let outcome: Value = response.json().await?;
        match (status, outcome["outcome"].as_str()) {
            (StatusCode::OK, Some("applied")) => Ok(Fate::Applied),
            (StatusCode::OK, Some("rejected")) => Ok(Fate::Rejected),
            (StatusCode::NOT_FOUND, _) => Ok(Fate::Lost),
            _ => bail!("{revision}: {status} {outcome}"),
        }
    })
    .await
}
