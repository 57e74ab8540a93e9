//! Too much at once is refused, in words.

use std::time::Duration;

use larder_protocol::{ItemId, Partition};
use larder_system::System;
use larder_tests::{Direct, Larder};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::Tested;

#[tokio::test]
async fn a_full_partition_refuses_writes_and_serves_reads() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().variable("max_pending", "3")).await? else { return Ok(()) };
    let id = larder.id("a");
    let before = larder.put(&id, "before").await?.etag();
    larder.system().workers[0].pause()?;
    // A commit that it sent before is done by then.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let put = async |value: &str| larder.item(Method::PUT, &id).body(value.to_owned()).send().await;
    let mut accepted = Vec::new();
    for n in 0..3 {
        let response = put(&n.to_string()).await?;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        accepted.push(response);
    }
    let refused = put("too many").await?;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = refused.json().await?;
    assert_eq!(problem["type"], "urn:larder:problem:overloaded");
    assert!(problem["detail"].as_str().unwrap().contains("Nothing was written"), "{problem}");
    assert_eq!(larder.get(&id).await?.headers()["etag"], before.as_str());
    let elsewhere = (0..).map(|n| larder.id(&n.to_string())).find(|other| other_partition(other, &id)).unwrap();
    let response = larder.item(Method::PUT, &elsewhere).body("x").send().await?;
    assert_eq!(response.status(), StatusCode::ACCEPTED, "other partitions have room");

    larder.system().workers[0].resume()?;
    for response in accepted {
        larder.applied(response).await?;
    }
    assert_eq!(larder.get(&id).await?.text().await?, "2");
    Ok(())
}

fn other_partition(a: &ItemId, b: &ItemId) -> bool {
    Partition::of(a) != Partition::of(b)
}

#[tokio::test]
async fn a_full_redis_is_said_to_be_full() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "kept").await?;
    let redis = Direct::open(&larder.system().redis.url()).await?;
    redis.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    let refused = larder.item(Method::PUT, &id).body("x").send().await?;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json::<Value>().await?["type"], "urn:larder:problem:out-of-memory");
    assert_eq!(larder.get(&id).await?.text().await?, "kept");
    larder.applied(larder.item(Method::DELETE, &id).send().await?).await?;
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND, "a full store can be emptied");
    redis.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    larder.put(&id, "again").await?;
    Ok(())
}
