//! Clients whose operations show it when one of them is applied twice, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use larder_protocol::ItemId;
use larder_tests::Larder;
use reqwest::{Method, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::Value;
use tokio::task::JoinSet;

/// What the clients did, as they were told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Compare-and-sets that put a counter up by one.
    pub increments: u64,
    /// Conditional creations of an item that was not there.
    pub creations: u64,
    /// Conditional removals of one that was.
    pub removals: u64,
    /// Conditions that did not hold.
    pub refused: u64,
    /// Plain writes with an idempotency key, each sent twice.
    pub keyed: u64,
    /// Additions with an idempotency key, each sent twice.
    pub added: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.increments += other.increments;
        self.creations += other.creations;
        self.removals += other.removals;
        self.refused += other.refused;
        self.keyed += other.keyed;
        self.added += other.added;
    }
}

/// Where they work. All of one partition, so that all committers meet there.
#[derive(Clone)]
pub struct Items {
    pub counter: ItemId,
    pub flag: ItemId,
    pub other: ItemId,
    pub sum: ItemId,
}

/// Starts four clients for each item, which work until `stop`.
pub fn start(larder: &Arc<Larder>, items: &Items, stop: &Arc<AtomicBool>) -> JoinSet<Result<Tally>> {
    let mut clients = JoinSet::new();
    for client in 0..16 {
        let (larder, items, stop) = (larder.clone(), items.clone(), stop.clone());
        clients.spawn(async move {
            let mut tally = Tally::default();
            while !stop.load(Ordering::Relaxed) {
                match client % 4 {
                    0 => increment(&larder, &items.counter, &mut tally).await?,
                    1 => flip(&larder, &items.flag, &mut tally).await?,
                    2 => put_with_key(&larder, &items.other, &mut tally).await?,
                    _ => add_with_key(&larder, &items.sum, &mut tally).await?,
                }
            }
            Ok(tally)
        });
    }
    clients
}

/// Reads a counter, and sets it to one more if nobody else did meanwhile.
async fn increment(larder: &Larder, id: &ItemId, tally: &mut Tally) -> Result<()> {
    let now = larder.get(id).await?;
    let request = larder.item(Method::PUT, id);
    let (request, value) = match now.status() {
        StatusCode::NOT_FOUND => (request.header("if-none-match", "*"), 0),
        _ => {
            let etag = now.error_for_status_ref()?.headers()["etag"].clone();
            (request.header("if-match", etag), now.text().await?.parse::<u64>()?)
        }
    };
    match held(larder, request.body((value + 1).to_string())).await? {
        true => tally.increments += 1,
        false => tally.refused += 1,
    }
    Ok(())
}

/// Creates an item if it is not there, then removes it if it is.
async fn flip(larder: &Larder, id: &ItemId, tally: &mut Tally) -> Result<()> {
    match held(larder, larder.item(Method::PUT, id).header("if-none-match", "*").body("up")).await? {
        true => tally.creations += 1,
        false => tally.refused += 1,
    }
    match held(larder, larder.item(Method::DELETE, id).header("if-match", "*")).await? {
        true => tally.removals += 1,
        false => tally.refused += 1,
    }
    Ok(())
}

/// Adds one, and asks once more under the same key: the second request hears of the same sum.
async fn add_with_key(larder: &Larder, id: &ItemId, tally: &mut Tally) -> Result<()> {
    let key = next_key();
    let path = format!("/items/{}?op=increment", id.to_path());
    let mut sums = Vec::new();
    while sums.len() < 2 {
        let request = larder.request(Method::POST, &path).header("idempotency-key", &key);
        let response = request.header("prefer", "wait=10").send().await?;
        match response.status() {
            StatusCode::OK => sums.push(response.text().await?),
            StatusCode::ACCEPTED => {}
            status => bail!("{status} {}", response.text().await?),
        }
    }
    ensure!(sums[0] == sums[1], "one key has two sums: {sums:?}");
    tally.added += 1;
    Ok(())
}

fn next_key() -> String {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    format!("\"{}\"", KEYS.fetch_add(1, Ordering::Relaxed))
}

/// Writes without a condition, and once more under the same key as if the answer had been lost:
/// that is the same write.
async fn put_with_key(larder: &Larder, id: &ItemId, tally: &mut Tally) -> Result<()> {
    let key = next_key();
    let mut revisions = Vec::new();
    for _ in 0..2 {
        let response = larder.item(Method::PUT, id).header("idempotency-key", &key).body("x").send().await?;
        ensure!(response.status() == StatusCode::ACCEPTED, "{} {}", response.status(), response.text().await?);
        revisions.push(response.headers()["larder-revision"].clone());
    }
    ensure!(revisions[0] == revisions[1], "one key made two writes: {revisions:?}");
    tally.keyed += 1;
    Ok(())
}

/// Sends a conditional write and finds out whether its condition held, however long that takes.
async fn held(larder: &Larder, request: RequestBuilder) -> Result<bool> {
    let response = request.header("prefer", "wait=10").send().await?;
    match response.status() {
        StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(true),
        StatusCode::PRECONDITION_FAILED => Ok(false),
        StatusCode::ACCEPTED => {
            let path = response.headers()["location"].to_str()?.to_owned();
            loop {
                let write: Value = larder.request(Method::GET, &path).send().await?.error_for_status()?.json().await?;
                if write["outcome"] != "pending" {
                    return Ok(write["outcome"] == "applied");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        status => bail!("{status} {}", response.text().await?),
    }
}

/// What all of them did; the first that failed fails it all.
pub async fn join(mut clients: JoinSet<Result<Tally>>) -> Result<Tally> {
    let mut all = Tally::default();
    while let Some(tally) = clients.join_next().await {
        all += tally??;
    }
    Ok(all)
}
