//! `min_replicas`: a write is acknowledged once so many replicas have it; else its client is told so, and can ask
//! what became of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_api::web::header;
use larder_protocol::limits::MAX_BLOCKED_PER_INSTANCE;
use larder_protocol::{ItemId, Partition};
use larder_system::{System, Topology};
use larder_tests::{Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

type Tested = anyhow::Result<()>;

async fn larder() -> anyhow::Result<Option<Larder>> {
    Larder::own(System::builder().topology(Topology::Cluster(3)).variable("min_replicas", "1")).await
}

async fn put(larder: &Larder, id: &ItemId, key: &str) -> anyhow::Result<Response> {
    Ok(larder.item(Method::PUT, id).header(header::IDEMPOTENCY_KEY, format!("\"{key}\"")).body("x").send().await?)
}

/// The number of the replica that has the item.
async fn replica(larder: &mut Larder, id: &ItemId) -> anyhow::Result<usize> {
    let cluster = larder.system().redis.cluster().expect("it was asked for");
    cluster.replica_of(cluster.master_of(Partition::of(id).slot()).await?).await
}

#[tokio::test]
async fn a_write_that_no_replica_has_is_told_and_can_be_repeated() -> Tested {
    let Some(mut larder) = larder().await? else { return Ok(()) };
    let id = larder.id("a");
    assert_eq!(put(&larder, &id, "first").await?.status(), StatusCode::ACCEPTED);

    let replica = replica(&mut larder, &id).await?;
    larder.system().redis.cluster_mut().expect("it was asked for").node_mut(replica).pause()?;
    let start = Instant::now();
    let answer = put(&larder, &id, "second").await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let location = answer.headers()["location"].to_str()?.to_owned();
    let revision = answer.headers()[&header::REVISION].to_str()?.to_owned();
    let problem: Value = answer.json().await?;
    assert_eq!(problem["type"], "urn:larder:problem:under-replicated");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(&location)), "{problem}");
    // It is applied all the same, as long as its Redis lives.
    eventually("the write is applied", async || {
        let outcome: Value = larder.request(Method::GET, &location).send().await?.json().await?;
        ensure!(outcome["outcome"] == "applied", "{outcome}");
        Ok(())
    })
    .await?;
    // So is a patch, of another item there.
    let patched = (0..).map(|n| larder.id(&format!("patched-{n}")));
    let patched = { patched }.find(|other| Partition::of(other) == Partition::of(&id)).expect("there is one");
    let patch = larder.item(Method::PATCH, &patched).header("content-type", "application/merge-patch+json");
    let answer = patch.header("if-none-match", "*").body("{}").send().await?;
    assert!(answer.headers().contains_key("location"), "{answer:?}");
    assert_eq!(answer.json::<Value>().await?["type"], "urn:larder:problem:under-replicated");
    // A repeat rests on what replicas have, too.
    assert_eq!(put(&larder, &id, "second").await?.status(), StatusCode::SERVICE_UNAVAILABLE);

    larder.system().redis.cluster_mut().expect("it was asked for").node_mut(replica).resume()?;
    let answer = eventually("the repeat is acknowledged", async || {
        let answer = put(&larder, &id, "second").await?;
        ensure!(answer.status() == StatusCode::ACCEPTED, "{}", answer.status());
        Ok(answer)
    })
    .await?;
    assert_eq!(answer.headers()[&header::REVISION], revision.as_str(), "it is the same write");
    Ok(())
}

#[tokio::test]
async fn each_write_of_a_bulk_request_is_told_by_itself() -> Tested {
    let Some(mut larder) = larder().await? else { return Ok(()) };
    let id = larder.id("a");
    // Some of these are on other masters.
    let ids: Vec<_> = (0..30).map(|n| larder.id(&n.to_string())).collect();
    let replica = replica(&mut larder, &id).await?;
    let cluster = larder.system().redis.cluster_mut().expect("it was asked for");
    let lonely = cluster.master_of(Partition::of(&id).slot()).await?;
    let mut masters = vec![];
    for id in &ids {
        masters.push(cluster.master_of(Partition::of(id).slot()).await?);
    }
    cluster.node_mut(replica).pause()?;
    let operations: Vec<_> = ids.iter().map(|id| json!({"op": "put", "id": id.as_str(), "value": "x"})).collect();
    let answer = larder.request(Method::POST, "/items").json(&operations).send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    let results: Vec<Value> = answer.json().await?;
    for (master, result) in masters.into_iter().zip(results) {
        let kind = result["problem"]["type"].as_str().unwrap_or("accepted");
        assert_eq!(kind, if master == lonely { "urn:larder:problem:under-replicated" } else { "accepted" }, "{result}");
    }
    Ok(())
}

/// An instance has connections for 16 of them at once; the others wait for their turn.
#[tokio::test]
async fn more_writes_than_an_instance_has_connections_for_wait_for_their_turn() -> Tested {
    let Some(mut larder) = larder().await? else { return Ok(()) };
    let id = larder.id("a");
    let ids = (0..1_000).map(|n| larder.id(&n.to_string())).map(|id| (Partition::of(&id), id));
    let ids: BTreeMap<_, _> = ids.collect();
    let replica = replica(&mut larder, &id).await?;
    let cluster = larder.system().redis.cluster_mut().expect("it was asked for");
    let lonely = cluster.master_of(Partition::of(&id).slot()).await?;
    let mut operations = vec![];
    for (p, id) in ids {
        if cluster.master_of(p.slot()).await? == lonely {
            operations.push(json!({"op": "put", "id": id.as_str(), "value": "x"}));
        }
    }
    assert!(operations.len() > MAX_BLOCKED_PER_INSTANCE, "{}", operations.len());
    cluster.node_mut(replica).pause()?;
    let answer = larder.request(Method::POST, "/items").json(&operations).send().await?;
    for result in answer.json::<Vec<Value>>().await? {
        assert_eq!(result["problem"]["type"], "urn:larder:problem:under-replicated", "{result}");
    }
    Ok(())
}

/// A condition is judged when the write's turn comes, by what replicas have too.
#[tokio::test]
async fn conditions_are_judged_all_the_same() -> Tested {
    let Some(larder) = larder().await? else { return Ok(()) };
    let id = larder.id("a");
    let create = async || larder.item(Method::PUT, &id).header("if-none-match", "*").body("x").send().await;
    assert_eq!(create().await?.status(), StatusCode::CREATED);
    assert_eq!(create().await?.status(), StatusCode::PRECONDITION_FAILED);
    Ok(())
}
