//! How long single requests take on an idle system, one after the other over one connection.
//!
//! Side by side in one run, so that the difference is what counts: a write that does not wait, a
//! write that waits for its outcome, a read, and a write followed by a read that asks for it.
//! `make bench` runs it.

use std::time::{Duration, Instant};

use larder_api::web::header;
use larder_system::System;
use larder_tests::Larder;
use reqwest::{Method, Response};

const ROUNDS: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let larder = larder.unwitnessed()?;
    let id = larder.id("latency");
    let value = vec![b'x'; 100];
    let put = || larder.item(Method::PUT, &id).body(value.clone());
    let mut columns = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let accepted = done(put().send().await?).await?;
        columns[0].push(start.elapsed());

        let revision = accepted.headers()[header::REVISION].clone();
        let read = larder.item(Method::GET, &id).header(header::MIN_REVISION, revision).header("prefer", "wait=5");
        done(read.send().await?).await?;
        columns[1].push(start.elapsed());

        let start = Instant::now();
        done(put().header("prefer", "wait=5").send().await?).await?;
        columns[2].push(start.elapsed());

        let start = Instant::now();
        done(larder.get(&id).await?).await?;
        columns[3].push(start.elapsed());
    }
    let names = ["write, 202", "write, then read that state", "write, wait for the outcome", "read"];
    println!("{:<30}{:>10}{:>10}{:>10}", "100 bytes, idle", "p50 ms", "p90 ms", "p99 ms");
    for (name, mut times) in names.into_iter().zip(columns) {
        times.sort_unstable();
        let at = |percent: usize| milliseconds(times[times.len() * percent / 100]);
        println!("{name:<30}{:>10.2}{:>10.2}{:>10.2}", at(50), at(90), at(99));
    }
    Ok(())
}

/// Takes the whole answer, so that the connection is free for the next request.
async fn done(response: Response) -> anyhow::Result<http::Response<()>> {
    let response = response.error_for_status()?;
    let mut empty = http::Response::new(());
    *empty.headers_mut() = response.headers().clone();
    response.bytes().await?;
    Ok(empty)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
