//! How many connections to Redis `larder-local` opens, and that none is handed out which does not work.

use std::time::Duration;

use futures::future::try_join_all;
use larder_system::{Runtime, System};
use larder_tests::{Direct, Larder};
use redis::InfoDict;
use reqwest::{Method, StatusCode};
use tokio::time::{sleep, timeout};

use crate::Tested;

/// A system on one Redis and our own runtime; Spin opens connections as it likes.
async fn own() -> anyhow::Result<Option<Larder>> {
    if Runtime::from_env()? != Runtime::Builtin {
        eprintln!("skipped: LARDER_RUNTIME is not our own");
        return Ok(None);
    }
    Larder::own_alone(System::builder()).await
}

async fn opened(larder: &mut Larder) -> anyhow::Result<u64> {
    let client = redis::Client::open(larder.system().redis.url())?;
    let info: InfoDict =
        redis::cmd("INFO").arg("stats").query_async(&mut client.get_multiplexed_async_connection().await?).await?;
    Ok(info.get("total_connections_received").unwrap_or_default())
}

#[tokio::test]
async fn instances_of_a_core_share_their_connection() -> Tested {
    let Some(mut larder) = own().await? else { return Ok(()) };
    let id = larder.id("shared");
    larder.put(&id, "x").await?;
    let before = opened(&mut larder).await?;
    // More than two instances serve in their life, and on WASI 0.2 an instance serves one.
    for _ in 0..40 {
        try_join_all((0..8).map(|_| larder.get(&id))).await?;
    }
    let opened = opened(&mut larder).await? - before;
    // One for each core, a few where several instances connect at once, and our own.
    assert!(opened <= 20, "{opened} connections for 320 reads");
    Ok(())
}

#[tokio::test]
async fn a_write_that_waits_holds_up_nobody() -> Tested {
    let Some(mut larder) = own().await? else { return Ok(()) };
    let id = larder.id("waits");
    larder.put(&id, "x").await?;
    larder.system().workers[0].kill().await?;
    let waiting = larder.item(Method::PUT, &id).header("Prefer", "wait=3").body("y").send();
    let reading = async {
        sleep(Duration::from_millis(300)).await;
        for _ in 0..50 {
            let answer = timeout(Duration::from_secs(1), larder.get(&id)).await;
            assert_eq!(
                answer.expect("a read does not wait for a write").expect("it is answered").status(),
                StatusCode::OK
            );
        }
    };
    let (waited, ()) = tokio::join!(waiting, reading);
    assert_eq!(waited?.status(), StatusCode::ACCEPTED);
    Ok(())
}

/// On WASI 0.3 a request gives its connection up after two seconds, and opens another. On WASI 0.2 it cannot; but who
/// comes a second later is not given the same.
#[tokio::test]
async fn who_comes_after_a_silence_gets_another_connection() -> Tested {
    let Some(mut larder) = own().await? else { return Ok(()) };
    let id = larder.id("silence");
    larder.put(&id, "x").await?;
    let before = opened(&mut larder).await?;
    larder.system().redis.pause()?;
    let first = timeout(Duration::from_millis(2500), larder.get(&id));
    let second = async {
        sleep(Duration::from_millis(1500)).await;
        timeout(Duration::from_millis(1000), larder.get(&id)).await
    };
    let _ = tokio::join!(first, second);
    larder.system().redis.resume()?;
    assert_eq!(larder.get(&id).await?.status(), StatusCode::OK);
    // The one that counts is one.
    assert!(opened(&mut larder).await? > before + 1, "nobody has connected anew");
    Ok(())
}

/// Redis may close connections that nobody uses; a stream keeps the instance that has them.
#[tokio::test]
async fn a_connection_that_was_closed_is_no_reason_for_doubt() -> Tested {
    let Some(mut larder) = own().await? else { return Ok(()) };
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let id = larder.id("a");
    let stream = larder_tests::http().get(format!("{}/changes?follow=true", larder.base()));
    let _stream = stream.header("accept", "application/x-ndjson").send().await?;
    for n in 0..20 {
        let wait = larder.item(Method::PUT, &id).header("prefer", "wait=10").body("x").send().await?;
        assert!(wait.status().is_success() && wait.status() != StatusCode::ACCEPTED, "{n}: {}", wait.status());
        redis.command::<u64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await?;
        // On WASI 0.2 an instance may be given a connection that has answered within the last 50 ms.
        sleep(Duration::from_millis(60)).await;
    }
    Ok(())
}
