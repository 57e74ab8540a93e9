//! One who follows the changes while parts of the system die, and whether it was told what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use larder_protocol::{Partition, Revision, StreamId};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::operation::{Answer, Call, Change, Fate, History};
use crate::{Larder, eventually};

/// Follows the changes by long polls. Now and then it is killed: it throws an answer away, or does not wait
/// for it, and comes again with the last cursor that it has kept.
pub struct Follower {
    stop: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<Following>>,
}

/// What it was told, behind one cursor after the other.
#[derive(Default)]
pub struct Following {
    /// In the order of the telling.
    pub changes: Vec<Told>,
    /// How often it was killed.
    pub broken_off: usize,
}

/// A change as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The item.
    pub id: String,
    /// Whether it was stored; it was removed if not.
    pub is_put: bool,
    /// The write that did it.
    pub revision: Revision,
}

impl Follower {
    /// Follows from now on.
    ///
    /// # Errors
    /// Where there is no feed.
    pub async fn start(larder: Arc<Larder>, seed: u64) -> anyhow::Result<Self> {
        let from = eventually("there is a feed", async || ask(&larder, &[]).await?.context("no answer")).await?.1;
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(follow(larder, from, Rng::with_seed(seed), stop.clone()));
        Ok(Self { stop, task })
    }

    /// Reads to the end, and tells what it has heard.
    ///
    /// # Errors
    /// Where an answer is none that there may be.
    pub async fn stop(self) -> anyhow::Result<Following> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn follow(larder: Arc<Larder>, from: String, mut rng: Rng, stop: Arc<AtomicBool>) -> anyhow::Result<Following> {
    let (mut told, mut cursor) = (Following::default(), from);
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        let limit = rng.usize(1..20).to_string();
        let query = [("since", cursor.as_str()), ("limit", &limit), ("wait", if is_last { "0" } else { "1" })];
        let patience = if is_last { Duration::from_secs(20) } else { Duration::from_millis(rng.u64(50..1_500)) };
        let answer = tokio::time::timeout(patience, ask(&larder, &query)).await;
        match answer.ok().transpose()?.flatten() {
            Some((changes, _)) if changes.is_empty() && is_last => return Ok(told),
            Some((changes, next)) if is_last || rng.u8(..5) > 0 => {
                told.changes.extend(changes);
                cursor = next;
            }
            _ => {
                told.broken_off += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// A page and the cursor behind it; `None` where there is no answer, or none now.
async fn ask(larder: &Larder, query: &[(&str, &str)]) -> anyhow::Result<Option<(Vec<Told>, String)>> {
    let Ok(response) = larder.request(Method::GET, "/changes").query(query).send().await else { return Ok(None) };
    let status = response.status();
    let Ok(page) = response.json::<Value>().await else { return Ok(None) };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return Ok(None);
    }
    ensure!(status == StatusCode::OK, "{status} {page}");
    let changes = page["changes"].as_array().context("changes")?.iter().map(|change| {
        let text = |name: &str| change[name].as_str().with_context(|| format!("no {name} in {change}"));
        Ok(Told { id: text("id")?.to_owned(), is_put: text("op")? == "put", revision: text("revision")?.parse()? })
    });
    let cursor = page["cursor"].as_str().context("a cursor")?;
    Ok(Some((changes.collect::<anyhow::Result<_>>()?, cursor.to_owned())))
}

/// Whether the changes are what the history demands: of each item those that were applied, in order and each
/// once; and they lead to the state in which the item was found at the end. No item of it may expire.
#[must_use]
pub fn check_feed(history: &History, told: &[Told]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut items: HashMap<&str, BTreeMap<StreamId, bool>> = HashMap::new();
    for Told { id, is_put, revision } in told {
        let changes = items.entry(id).or_default();
        if changes.last_key_value().is_some_and(|(last, _)| *last >= revision.id) {
            wrong.push(format!("{id}: {revision} is told behind a later one, or twice"));
        }
        changes.insert(revision.id, *is_put);
        if history.fates.get(revision).is_some_and(|fate| *fate != Fate::Applied) {
            wrong.push(format!("{id}: {revision} is told, but was not applied"));
        }
    }
    let none = BTreeMap::new();
    for operation in &history.operations {
        let (Call::Write { change, .. }, Some(revision)) = (&operation.call, operation.answer.acknowledged()) else {
            continue;
        };
        let id = history.items[operation.item].as_str();
        let changes = items.get(id).unwrap_or(&none);
        let name = Revision { partition: Partition::of(&history.items[operation.item]), id: revision };
        if history.fates.get(&name) != Some(&Fate::Applied) {
            continue;
        }
        match (change, changes.get(&revision)) {
            (Change::Put(_), Some(true)) | (Change::Delete, Some(false)) => {}
            // Of the removal of what is not there nothing is told.
            (Change::Delete, None) if changes.range(..revision).next_back().is_none_or(|(_, is_put)| !is_put) => {}
            (_, is) => wrong.push(format!("{id}: {operation}, and told is {is:?}")),
        }
    }
    for read in &history.last_reads {
        let id = history.items[read.item].as_str();
        let last = items.get(id).unwrap_or(&none).last_key_value();
        let found = match read.answer {
            Answer::Found { revision, .. } => Some(revision),
            _ => None,
        };
        if last.filter(|(_, is_put)| **is_put).map(|(revision, _)| *revision) != found {
            wrong.push(format!("{id}: the last that was told is {last:?}, but: {read}"));
        }
    }
    wrong
}
