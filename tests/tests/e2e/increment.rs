//! `POST /items/{id}?op=increment`: many add to one item, and none of them has to try again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use larder_protocol::ItemId;
use larder_system::{System, Wasi};
use larder_tests::{Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Tested;

fn increment(larder: &Larder, id: &ItemId, query: &str) -> RequestBuilder {
    larder.request(Method::POST, &format!("/items/{}?op=increment{query}", id.to_path()))
}

/// The sum that an increment is answered which waits.
async fn sum(response: Response) -> anyhow::Result<i64> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await?;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(headers["content-type"], "text/plain");
    let revision = headers["larder-revision"].to_str()?;
    assert_eq!(headers["etag"].to_str()?, format!("\"{revision}\""));
    Ok(body.parse()?)
}

async fn assert_problem(response: Response, status: u16, kind: &str) -> Tested {
    let (actual, problem): (_, Value) = (response.status(), response.json().await?);
    assert_eq!(
        (actual.as_u16(), &problem["type"]),
        (status, &json!(format!("urn:larder:problem:{kind}"))),
        "{problem}"
    );
    Ok(())
}

#[tokio::test]
async fn the_answer_holds_the_sum_and_the_item_too() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("hits");
    let add = async |query: &str| sum(increment(&larder, &id, query).header("prefer", "wait=10").send().await?).await;
    assert_eq!(add("").await?, 1);
    assert_eq!(add("&by=41").await?, 42);
    assert_eq!(add("&by=-50").await?, -8);
    assert_eq!(add("&by=9223372036854775807").await?, i64::MAX - 8);
    let item = larder.get(&id).await?;
    assert_eq!(item.headers()["content-type"], "text/plain");
    assert_eq!(item.text().await?, (i64::MAX - 8).to_string());

    let too_much = increment(&larder, &id, "&by=9").header("prefer", "wait=10").send().await?;
    assert_problem(too_much, 422, "overflow").await?;
    let accepted = increment(&larder, &id, "&by=8").send().await?;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    larder.applied(accepted).await?;
    assert_eq!(larder.get(&id).await?.text().await?, i64::MAX.to_string());
    Ok(())
}

#[tokio::test]
async fn what_is_no_integer_stays_as_it_is() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("text");
    larder.put(&id, "12 apples").await?;
    let waited = increment(&larder, &id, "").header("prefer", "wait=10").send().await?;
    assert_problem(waited, 409, "no-integer").await?;
    let refused = increment(&larder, &id, "").send().await?;
    let write = refused.headers()["location"].to_str()?.to_owned();
    eventually("it is refused", async || {
        let outcome: Value = larder.request(Method::GET, &write).send().await?.json().await?;
        anyhow::ensure!(outcome["outcome"] == "rejected", "{outcome}");
        assert_eq!(outcome["reason"], "the item holds no integer");
        Ok(())
    })
    .await?;
    assert_eq!(larder.get(&id).await?.text().await?, "12 apples");
    Ok(())
}

#[tokio::test]
async fn type_metadata_and_end_of_the_item_stay() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("age");
    let path = format!("/items/{}?ttl=3600", id.to_path());
    let put = larder.request(Method::PUT, &path).header("content-type", "application/json");
    larder.applied(put.header("larder-meta-owner", "ada").body("36").send().await?).await?;
    let before = larder.get(&id).await?.headers().clone();
    assert_eq!(sum(increment(&larder, &id, "").header("prefer", "wait=10").send().await?).await?, 37);
    let after = larder.get(&id).await?.headers().clone();
    for name in ["content-type", "larder-meta-owner", "larder-expires-at"] {
        assert_eq!(before[name], after[name]);
    }
    sum(increment(&larder, &id, "&ttl=7200").header("prefer", "wait=10").send().await?).await?;
    assert_ne!(larder.get(&id).await?.headers()["larder-expires-at"], before["larder-expires-at"]);
    Ok(())
}

#[tokio::test]
async fn conditions_and_keys_hold() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let absent = increment(&larder, &id, "").header("if-match", "*").send().await?;
    assert_eq!(absent.status(), StatusCode::PRECONDITION_FAILED);
    for _ in 0..3 {
        let keyed = increment(&larder, &id, "&by=5").header("idempotency-key", "\"k\"").header("prefer", "wait=10");
        assert_eq!(sum(keyed.send().await?).await?, 5, "a repeat tells what the first did");
    }
    let another = increment(&larder, &id, "&by=6").header("idempotency-key", "\"k\"").send().await?;
    assert_problem(another, 422, "idempotency-key-reused").await?;
    assert_eq!(larder.get(&id).await?.text().await?, "5");
    Ok(())
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    for query in
        ["op=rename", "op=", "by=1", "op=increment&by=1.5", "op=increment&by=", "op=increment&by=9223372036854775808"]
    {
        let path = format!("/items/{}?{query}", id.to_path());
        assert_problem(larder.request(Method::POST, &path).send().await?, 400, "invalid-query").await?;
    }
    let with_body = increment(&larder, &id, "").body("5").send().await?;
    assert_problem(with_body, 400, "invalid-envelope").await?;
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn bulk_adds_in_the_order_of_its_operations() -> Tested {
    let larder = Larder::start().await?;
    let [count, text] = ["count", "text"].map(|name| larder.id(name).to_string());
    let operations = json!([
        {"op": "increment", "id": count},
        {"op": "increment", "id": count, "by": -3, "ttl": 600},
        {"op": "put", "id": text, "value": "x"},
        {"op": "increment", "id": text},
        {"op": "increment", "id": count, "by": 9_223_372_036_854_775_807_i64},
        {"op": "increment", "id": count, "if_none_match": "*"},
    ]);
    let bulk = larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&operations);
    let results: Vec<Value> = bulk.send().await?.json().await?;
    let told: Vec<_> = results.iter().map(|result| (result["status"].clone(), result["value"].clone())).collect();
    let sum = |text: &str| (json!(200), json!(text));
    let none = |status: u16| (json!(status), Value::Null);
    assert_eq!(told, [sum("1"), sum("-2"), none(201), none(409), sum("9223372036854775805"), none(412)], "{results:?}");
    Ok(())
}

#[tokio::test]
async fn a_thousand_clients_add_to_one_item_without_a_retry() -> Tested {
    const CLIENTS: i64 = 1_000;
    let larder = Larder::start().await?;
    let id = larder.id("hits");
    let clients = (0..CLIENTS).map(async |_| {
        let response = increment(&larder, &id, "").header("prefer", "wait=10").send().await?;
        match response.status() {
            StatusCode::OK => Ok(Some(sum(response).await?)),
            // It takes its time, and counts all the same.
            StatusCode::ACCEPTED => larder.applied(response).await.map(|_| None),
            status => bail!("{status} {}", response.text().await?),
        }
    });
    // On WASI 0.2 each of them has an instance of its own, and there is room for some 330.
    let at_once = if Wasi::from_env()? == Wasi::V0_2 { 200 } else { usize::MAX };
    let sums: Vec<_> = stream::iter(clients).buffer_unordered(at_once).try_collect().await?;
    let mut sums: Vec<i64> = sums.into_iter().flatten().collect();
    assert_eq!(larder.get(&id).await?.text().await?, CLIENTS.to_string());
    sums.sort_unstable();
    let told = sums.len();
    sums.dedup();
    assert_eq!(sums.len(), told, "no two were told the same sum");
    Ok(())
}

/// Redis and workers are killed meanwhile. Who gets no answer asks again under the same key, so every
/// one counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn increments_that_are_repeated_through_faults_count_once() -> Tested {
    const CLIENTS: usize = 8;
    const EACH: usize = 40;
    let builder = System::builder().workers(5).variable("redis_timeout_ms", "500");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let (id, larder) = (larder.id("hits"), Arc::new(larder));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (larder, id) = (larder.clone(), id.clone());
        clients.spawn(async move {
            let mut repeats = 0;
            for n in 0..EACH {
                let key = format!("\"{client}-{n}\"");
                while !is_applied(&larder, &id, &key).await? {
                    repeats += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            anyhow::Ok(repeats)
        });
    }
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        system.workers[round].kill().await?;
        system.redis.kill().await?;
        system.redis.restart().await?;
        system.workers[round].restart().await?;
    }
    let mut repeats = 0;
    while let Some(client) = clients.join_next().await {
        repeats += client?.context("a client")?;
    }
    println!("{} increments, {repeats} requests more", CLIENTS * EACH);
    assert_eq!(larder.get(&id).await?.text().await?, (CLIENTS * EACH).to_string());
    Ok(())
}

/// Whether an increment under this key is said to be applied; not where that is open.
async fn is_applied(larder: &Larder, id: &ItemId, key: &str) -> anyhow::Result<bool> {
    let request = increment(larder, id, "").header("idempotency-key", key).header("prefer", "wait=2");
    let Ok(response) = request.send().await else { return Ok(false) };
    match response.status() {
        StatusCode::OK => Ok(true),
        StatusCode::ACCEPTED | StatusCode::SERVICE_UNAVAILABLE => Ok(false),
        status => bail!("{status} {}", response.text().await?),
    }
}
