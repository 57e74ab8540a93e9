//! Many who follow the changes come at once, and leave to others what those need.

use std::time::Duration;

use anyhow::ensure;
use futures::future::{join_all, try_join_all};
use larder_protocol::limits::MAX_STALL;
use larder_system::{System, Wasi};
use larder_tests::{Larder, eventually, http};
use reqwest::{Method, Response, StatusCode};

use crate::Tested;

/// Each on a connection of its own.
async fn open(larder: &Larder) -> anyhow::Result<Response> {
    let request = http().get(format!("{}/changes", larder.base())).header("accept", "text/event-stream");
    Ok(request.send().await?)
}

#[tokio::test]
async fn a_storm_of_streams_is_answered_and_a_reader_beside_it() -> Tested {
    if Wasi::from_env()? == Wasi::V0_2 {
        // More than may wait there: see the next test.
        return Ok(());
    }
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    let storm = try_join_all((0..600).map(async |_| Ok(open(&larder).await?.error_for_status()?)));
    let reads = try_join_all((0..20).map(async |n| {
        tokio::time::sleep(Duration::from_millis(20 * n)).await;
        anyhow::Ok(larder.get(&id).await?.error_for_status()?)
    }));
    let (mut streams, _) = futures::future::try_join(storm, reads).await?;
    // All of them are told of a change.
    larder.put(&id, "y").await?;
    try_join_all(streams.iter_mut().map(async |stream| {
        let mut text = String::new();
        while !text.contains("\"op\":\"put\"") {
            let chunk = stream.chunk().await?;
            text += std::str::from_utf8(&chunk.ok_or_else(|| anyhow::anyhow!("the end: {text}"))?)?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok(())
}

#[tokio::test]
async fn on_wasi_0_2_followers_leave_instances_to_readers_and_writers() -> Tested {
    if Wasi::from_env()? != Wasi::V0_2 {
        return Ok(());
    }
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    // More than the host has instances, in waves: a request that is refused has one until then.
    let (mut answers, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        answers.extend(join_all((0..100).map(async |_| open(&larder).await)).await);
    }
    for answer in answers {
        let answer = answer?;
        match answer.status() {
            StatusCode::OK => streams.push(answer),
            status => {
                ensure!(status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
                ensure!(answer.headers()["retry-after"] == "1");
                ensure!(answer.text().await?.contains("too-many-followers"));
            }
        }
    }
    ensure!(streams.len() == 300, "{} streams", streams.len());
    larder.put(&id, "y").await?;
    larder.get(&id).await?.error_for_status()?;
    let waited = larder.item(Method::PUT, &id).header("prefer", "wait=5").body("z").send().await?;
    ensure!(waited.status() == StatusCode::NO_CONTENT, "{}", waited.status());
    let poll = larder.request(Method::GET, "/changes?wait=1").send().await?;
    ensure!(poll.status() == StatusCode::SERVICE_UNAVAILABLE, "{}", poll.status());
    let page = larder.request(Method::GET, "/changes").send().await?;
    ensure!(page.status() == StatusCode::OK, "{}", page.status());
    drop(streams);
    // A place is free when the host notices that its client has gone, at the next sign of life.
    eventually("there is room again", async || Ok(open(&larder).await?.error_for_status()?)).await?;
    Ok(())
}

/// It would hold an instance for longer than it has a place.
#[tokio::test]
async fn on_wasi_0_2_a_client_that_takes_nothing_loses_its_stream() -> Tested {
    if Wasi::from_env()? != Wasi::V0_2 {
        return Ok(());
    }
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let url = format!("{}/changes?include=value", larder.base());
    let mut stream = http().get(url).header("accept", "text/event-stream").send().await?.error_for_status()?;
    for _ in 0..30 {
        larder.put(&larder.id("large"), "x".repeat(900_000)).await?;
    }
    tokio::time::sleep(MAX_STALL + Duration::from_secs(3)).await;
    // What was sent before is on its way, and then it is over.
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    ensure!(tokio::time::timeout(Duration::from_secs(10), rest).await.is_ok(), "the stream goes on");
    Ok(())
}

#[tokio::test]
async fn who_is_answered_or_refused_gives_the_place_back() -> Tested {
    let Some(larder) = Larder::own(System::builder().variable("max_followers", "1")).await? else { return Ok(()) };
    larder.put(&larder.id("a"), "x").await?;
    // The cursor of a feed that nobody has.
    let gone = format!("/changes?since=AQAA{}", "A".repeat(168));
    for _ in 0..3 {
        let poll = larder.request(Method::GET, "/changes?wait=1").send().await?;
        ensure!(poll.status() == StatusCode::OK, "{}", poll.text().await?);
        let stream = larder.request(Method::GET, &gone).header("accept", "text/event-stream").send().await?;
        ensure!(stream.status() == StatusCode::GONE, "{}", stream.text().await?);
    }
    Ok(())
}
