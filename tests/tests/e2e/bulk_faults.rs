//! Bulk writes when parts die, and when there is no room: each operation is told the truth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use larder_protocol::{ItemId, Partition};
use larder_system::System;
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

/// As many items as one request writes.
const ITEMS: usize = 64;

/// What the writer of an item saw; each of its values is larger than the one before.
#[derive(Clone, Copy, Default)]
struct Seen {
    acknowledged: u64,
    sent: u64,
}

async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Writes rising numbers to all items, one bulk request after the other, until told to stop.
async fn write(larder: &Larder, ids: &[ItemId], stop: &AtomicBool) -> anyhow::Result<Vec<Seen>> {
    let mut seen = vec![Seen::default(); ids.len()];
    while !stop.load(Ordering::Relaxed) {
        let put = |(id, seen): (&ItemId, &mut Seen)| {
            seen.sent += 1;
            json!({"op": "put", "id": id.as_str(), "value": seen.sent})
        };
        let operations: Vec<_> = ids.iter().zip(&mut seen).map(put).collect();
        let answer = larder.request(Method::POST, "/items").json(&operations).send().await;
        let Ok(answer) = answer else { continue };
        if answer.status() != StatusCode::OK {
            pass(5).await;
            continue;
        }
        let Ok(results) = answer.json::<Vec<Value>>().await else { continue };
        for (result, seen) in results.iter().zip(&mut seen).filter(|(result, _)| result["status"] == 202) {
            ensure!(result["revision"].is_string(), "{result}");
            seen.acknowledged = seen.sent;
        }
    }
    Ok(seen)
}

#[tokio::test]
async fn acknowledged_operations_survive_kills() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().workers(2)).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let ids: Vec<_> = (0..ITEMS).map(|n| larder.id(&n.to_string())).collect();
    let stop = AtomicBool::new(false);
    let kill = async {
        for round in 0..4 {
            pass(150).await;
            system.workers[round % 2].restart().await?;
            pass(150).await;
            system.redis.restart().await?;
        }
        pass(150).await;
        system.api.restart().await?;
        eventually("it is ready again", async || {
            let ready = larder.request(Method::GET, "/health/ready").send().await?;
            ensure!(ready.status() == StatusCode::OK, "{}", ready.status());
            Ok(())
        })
        .await?;
        pass(150).await;
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    let (seen, killed) = tokio::join!(write(&larder, &ids, &stop), kill);
    killed?;
    for (id, seen) in ids.iter().zip(seen?) {
        assert!(seen.acknowledged > 0, "{id} was never accepted");
        eventually("the last acknowledged value is there", async || {
            let value: u64 = larder.get(id).await?.error_for_status()?.text().await?.parse()?;
            ensure!((seen.acknowledged..=seen.sent).contains(&value), "{id}: {value}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn results(larder: &Larder, operations: &Value) -> anyhow::Result<Vec<Value>> {
    let answer = larder.request(Method::POST, "/items").json(operations).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.text().await?);
    Ok(answer.json().await?)
}

#[tokio::test]
async fn what_has_no_room_is_refused_and_the_rest_is_not() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().variable("max_pending", "2")).await? else { return Ok(()) };
    larder.system().workers[0].pause()?;
    let id = larder.id("a");
    let elsewhere = (0..).map(|n| larder.id(&n.to_string())).find(|other| Partition::of(other) != Partition::of(&id));
    let elsewhere = elsewhere.context("there are other partitions")?;
    let put = |id: &ItemId| json!({"op": "put", "id": id.as_str(), "value": 1});
    let told = results(&larder, &json!([put(&id), put(&id), put(&id), put(&elsewhere)])).await?;
    let statuses: Vec<_> = told.iter().map(|result| result["status"].as_u64()).collect();
    assert_eq!(statuses, [202, 202, 503, 202].map(Some), "{told:?}");
    assert_eq!(told[2]["problem"]["type"], "urn:larder:problem:overloaded");

    let none = larder.request(Method::POST, "/items").json(&json!([put(&id), put(&id)])).send().await?;
    assert_eq!(none.status(), StatusCode::SERVICE_UNAVAILABLE, "where none has room, the answer says so");
    assert_eq!(none.headers()["retry-after"], "1");
    assert_eq!(none.json::<Value>().await?["type"], "urn:larder:problem:overloaded");
    larder.system().workers[0].resume()?;
    Ok(())
}

#[tokio::test]
async fn a_full_redis_still_removes() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    let direct = Direct::open(&larder.system().redis.url()).await?;
    direct.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    let put = json!({"op": "put", "id": id.as_str(), "value": 1});
    let told = results(&larder, &json!([put, {"op": "delete", "id": id.as_str()}])).await?;
    assert_eq!((&told[0]["status"], &told[1]["status"]), (&json!(503), &json!(202)), "{told:?}");
    assert_eq!(told[0]["problem"]["type"], "urn:larder:problem:out-of-memory");
    eventually("it is removed", async || {
        ensure!(larder.get(&id).await?.status() == StatusCode::NOT_FOUND);
        Ok(())
    })
    .await
}

/// The outcome of a write is for the request that sent it; who repeats it finds it in the record.
#[tokio::test]
async fn a_repeat_takes_no_outcome_from_the_request_that_waits() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut system = larder.take_system();
    system.workers[0].pause()?;
    let operations: Vec<_> = (0..3).map(|_| json!({"op": "increment", "id": larder.id("a").as_str()})).collect();
    let bulk = || {
        let request = larder.request(Method::POST, "/items").header("prefer", "wait=10");
        request.header("idempotency-key", "\"k\"").json(&operations)
    };
    let (first, again, resumed) = tokio::join!(
        bulk().send(),
        async {
            pass(200).await;
            bulk().send().await
        },
        async {
            pass(500).await;
            system.workers[0].resume()
        }
    );
    resumed?;
    let [first, again]: [Vec<Value>; 2] = [first?.json().await?, again?.json().await?];
    assert_eq!(first.iter().map(|result| &result["value"]).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(first, again);
    Ok(())
}
