//! Where the past is gone, that is told.

use std::sync::atomic::{AtomicBool, Ordering};

use larder_system::{Output, System, WorkerProcess};
use larder_tests::Larder;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::super::access::assert_refused;
use super::{all, ask, now};
use crate::Tested;

#[tokio::test]
async fn a_past_that_is_gone_is_told_and_not_skipped() -> Tested {
    let Some(larder) = Larder::own(System::builder().worker_env("LARDER_CHANGES_KEPT", "20")).await? else {
        return Ok(());
    };
    let (id, since) = (larder.id("a"), now(&larder).await?);
    let first = larder.put(&id, "first").await?.to_string();
    assert_eq!(all(&larder, &since, "1").await?[0]["revision"], first);
    // Whole nodes of the stream go at once, of a hundred entries at most.
    let writes: String =
        (0..500).map(|n| format!("{}\n", json!({"op": "put", "id": id.as_str(), "value": n.to_string()}))).collect();
    let bulk = larder
        .request(Method::POST, "/items")
        .header("content-type", "application/x-ndjson")
        .header("prefer", "wait=10");
    assert_eq!(bulk.body(writes).send().await?.status(), StatusCode::OK);
    larder.put(&id, "last").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    let kept = all(&larder, "0", "1000").await?;
    assert!((20..200).contains(&kept.len()), "{}", kept.len());
    Ok(())
}

#[tokio::test]
async fn who_follows_hears_that_the_feed_was_switched_off() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (id, since) = (larder.id("a"), now(&larder).await?);
    larder.put(&id, "x").await?;
    let url = larder.system().redis.url();
    larder.system().workers[0].kill().await?;
    let log = Output::File(larder.system().data().path().join("worker-without.log"));
    let without = WorkerProcess::start(&url, &[("LARDER_CHANGES_KEPT", "0")], &[], log)?;
    larder.put(&id, "untold").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    for path in ["/changes", "/changes?since=0", "/items?changes=true"] {
        assert_refused(larder.request(Method::GET, path), StatusCode::NOT_FOUND, "no-feed", "--changes-kept 0").await?;
    }
    assert_eq!(larder.request(Method::GET, "/items").send().await?.status(), StatusCode::OK);
    drop(without);

    // When it is switched on again, the cursor of the time before is still no good.
    larder.system().workers[0].restart().await?;
    larder.put(&id, "told").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    assert_eq!(all(&larder, "0", "10").await?.len(), 1);
    Ok(())
}

/// On a busy store the oldest change may be taken off between any two commands.
#[tokio::test]
async fn the_oldest_change_that_is_kept_is_always_there() -> Tested {
    let Some(larder) = Larder::own(System::builder().worker_env("LARDER_CHANGES_KEPT", "20")).await? else {
        return Ok(());
    };
    let operations: Vec<_> =
        (0..1_000).map(|n| json!({"op": "put", "id": larder.id(&n.to_string()).as_str(), "value": "x"})).collect();
    let is_over = AtomicBool::new(false);
    let write = async {
        while !is_over.load(Ordering::Relaxed) {
            let bulk = larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&operations);
            assert_eq!(bulk.send().await?.status(), StatusCode::OK);
        }
        anyhow::Ok(())
    };
    let read = async {
        let mut told = 0;
        for _ in 0..60 {
            told += ask(&larder, &[("since", "0"), ("limit", "1")]).await?["changes"].as_array().map_or(0, Vec::len);
        }
        is_over.store(true, Ordering::Relaxed);
        anyhow::Ok(told)
    };
    let (written, told) = tokio::join!(write, read);
    written?;
    assert!(told? > 30, "there were changes to be told");
    Ok(())
}
