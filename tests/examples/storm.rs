//! What happens when all who follow the changes come back at once, as after a failover or a deployment: how many of them
//! are answered and how soon, and what it costs a reader beside them. `FOLLOWERS=5000` for more of them; with
//! `LARDER_WASI=0.2` no more are let in than `max_followers`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use larder_system::System;
use larder_tests::{Larder, http};
use reqwest::{Client, Response, StatusCode};

/// For how long the reader reads, from the moment on at which all come back. They have to be answered by then.
const WINDOW: Duration = Duration::from_secs(10);

/// How often the reader reads.
const READ_EACH: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let followers = std::env::var("FOLLOWERS").ok().map_or(Ok(2_000), |text| text.parse())?;
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (id, base) = (larder.id("read"), larder.base().to_owned());
    larder.put(&id, "x").await?;
    let listing: serde_json::Value =
        larder.request(reqwest::Method::GET, "/items?changes=true").send().await?.json().await?;
    let cursor = listing["changes"].as_str().unwrap_or_default().to_owned();

    println!(
        "{:<20}{:>10}{:>9}{:>9}{:>13}{:>13}{:>13}",
        "", "answered", "p50 ms", "max ms", "read p50 ms", "read p99 ms", "read max ms"
    );
    // Whoever comes back brings the cursor that it has got to.
    for (name, query) in [("from now on", String::new()), ("from a cursor on", format!("?since={cursor}"))] {
        let url = format!("{base}/changes{query}");
        let storm = async {
            let start = Instant::now();
            let streams = join_all((0..followers).map(async |_| (open(&url).await, start.elapsed()))).await;
            tokio::time::sleep(WINDOW.saturating_sub(start.elapsed())).await;
            streams
        };
        let (streams, reads) = read_beside(format!("{base}/items/{}", id.to_path()), storm).await?;
        let mut answers = BTreeMap::<String, usize>::new();
        for (stream, _) in &streams {
            let answer =
                stream.as_ref().map_or_else(|error| format!("{error:#}"), |stream| stream.status().to_string());
            *answers.entry(answer).or_default() += 1;
        }
        let is_open = |stream: &anyhow::Result<Response>| stream.as_ref().is_ok_and(|s| s.status() == StatusCode::OK);
        let times = streams.iter().filter(|(stream, _)| is_open(stream)).map(|(_, time)| *time).collect::<Vec<_>>();
        let (answered, [p50, _, max], [read, read99, worst]) = (times.len(), quantiles(times), quantiles(reads));
        println!("{name:<20}{answered:>10}{p50:>9.0}{max:>9.0}{read:>13.1}{read99:>13.1}{worst:>13.1}");
        answers
            .iter()
            .filter(|(answer, _)| *answer != "200 OK")
            .for_each(|(answer, n)| println!("  {n} times {answer}"));
    }
    Ok(())
}

async fn open(url: &str) -> anyhow::Result<Response> {
    // Each has a connection of its own, as each is a process of its own.
    let mut stream = http().get(url).header("accept", "text/event-stream").send().await?;
    if stream.status() == StatusCode::OK {
        // The first event names the cursor.
        stream.chunk().await?;
    }
    Ok(stream)
}

/// Reads all the time until `work` is done; its answer, and how long each read took. The reader has a thread of its own, so
/// that it waits for nothing but the store.
async fn read_beside<T>(url: String, work: impl Future<Output = T>) -> anyhow::Result<(T, Vec<Duration>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let reader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (client, mut times) = (Client::new(), Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                let start = Instant::now();
                client.get(&url).send().await?.error_for_status()?.bytes().await?;
                times.push(start.elapsed());
                tokio::time::sleep(READ_EACH).await;
            }
            anyhow::Ok(times)
        })
    });
    let done = work.await;
    stop.store(true, Ordering::Relaxed);
    let times = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
    Ok((done, times))
}

/// p50, p99 and the longest, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let at =
        |of: usize| times.get(times.len().saturating_sub(1) * of / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    [at(50), at(99), at(100)]
}
