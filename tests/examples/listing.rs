//! How long the pages of a listing take in a large store: the first, the thousandth, and all of
//! them; and how fast bulk writes fill it. `make bench` runs it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::{StreamExt, TryStreamExt, stream};
use larder_protocol::limits::{MAX_BULK_OPERATIONS, MAX_LIST_LIMIT};
use larder_system::System;
use larder_tests::Larder;
use reqwest::Method;
use serde_json::{Value, json};

const ITEMS: usize = 1_000_000;
/// Bulk requests at a time.
const WRITERS: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let larder = larder.unwitnessed()?;
    let start = Instant::now();
    let bulks = (0..ITEMS / MAX_BULK_OPERATIONS).map(|n| write(&larder, n));
    stream::iter(bulks).buffer_unordered(WRITERS).try_collect::<()>().await?;
    let per_second = ITEMS as f64 / start.elapsed().as_secs_f64();
    println!("{ITEMS} items written and applied in bulk requests of {MAX_BULK_OPERATIONS}: {per_second:.0}/s\n");

    let head = ["first ms", "1000th ms", "p50 ms", "p99 ms", "pages"];
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "pages of a million ids", head[0], head[1], head[2], head[3], head[4]
    );
    for (name, query) in [
        ("1,000 ids", "limit=1000"),
        ("1,000 ids, values=meta", "limit=1000&values=meta"),
        ("100 ids, the first 1,000 pages", "limit=100"),
        ("100 groups of 1,000 ids", "limit=100&prefix=user/&delimiter=/"),
    ] {
        let mut times = walk(&larder, query).await?;
        let (first, thousandth) = (times[0], times.get(MAX_LIST_LIMIT - 1).copied());
        let thousandth = thousandth.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", milliseconds(time)));
        times.sort_unstable();
        let at = |percent: usize| milliseconds(times[times.len() * percent / 100]);
        let (first, count) = (milliseconds(first), times.len());
        println!("{name:<34}{first:>10.1}{thousandth:>10}{:>10.1}{:>10.1}{count:>10}", at(50), at(99));
    }
    Ok(())
}

/// Writes a thousand items, and waits until they are applied.
async fn write(larder: &Larder, n: usize) -> anyhow::Result<()> {
    let put = |m: usize| json!({"op": "put", "id": format!("user/{n:04}/{m:03}"), "value": {"number": n * m}});
    let operations: Vec<_> = (0..MAX_BULK_OPERATIONS).map(put).collect();
    let request = larder.request(Method::POST, "/items").header("prefer", "wait=30").json(&operations);
    let results: Vec<Value> = request.send().await?.error_for_status()?.json().await?;
    let refused = results.iter().find(|result| !matches!(result["status"].as_u64(), Some(201 | 204)));
    ensure!(refused.is_none(), "{refused:?}");
    Ok(())
}

/// The times of the pages, of which there are at most a thousand.
async fn walk(larder: &Larder, query: &str) -> anyhow::Result<Vec<Duration>> {
    let (mut times, mut cursor) = (Vec::new(), String::new());
    while times.len() < MAX_LIST_LIMIT {
        let start = Instant::now();
        let request = larder.request(Method::GET, &format!("/items?{query}{cursor}"));
        let page: Value = request.send().await?.error_for_status()?.json().await?;
        times.push(start.elapsed());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(times)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
