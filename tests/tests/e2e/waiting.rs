//! `Prefer: wait`: the answer carries the outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_api::web::header;
use larder_protocol::{Partition, limits};
use larder_system::{System, Wasi};
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Tested;

fn applied_preference(response: &Response) -> Option<&str> {
    response.headers().get(header::PREFERENCE_APPLIED)?.to_str().ok()
}

#[tokio::test]
async fn the_answer_is_the_outcome() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let wait = |method| larder.item(method, &id).header("prefer", "wait=10").body("x");

    let created = wait(Method::PUT).send().await?;
    assert_eq!((created.status(), applied_preference(&created)), (StatusCode::CREATED, Some("wait=10")));
    assert_eq!(larder.get(&id).await?.headers()["etag"], created.headers()["etag"]);
    let replaced = wait(Method::PUT).send().await?;
    assert_eq!((replaced.status(), applied_preference(&replaced)), (StatusCode::NO_CONTENT, Some("wait=10")));
    assert_eq!(larder.get(&id).await?.headers()["etag"], replaced.headers()["etag"]);
    for _ in 0..2 {
        let deleted = wait(Method::DELETE).send().await?;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT, "whether it was there or not");
        assert!(!deleted.headers().contains_key("etag") && deleted.headers().contains_key(header::REVISION));
        assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    }
    Ok(())
}

#[tokio::test]
async fn respond_async_is_the_default_made_explicit() -> Tested {
    let larder = Larder::start().await?;
    let response = larder.item(Method::PUT, &larder.id("a")).header("prefer", "respond-async").body("x").send().await?;
    assert_eq!((response.status(), applied_preference(&response)), (StatusCode::ACCEPTED, Some("respond-async")));
    let response =
        larder.item(Method::PUT, &larder.id("a")).header("prefer", "handling=lenient").body("x").send().await?;
    assert_eq!((response.status(), applied_preference(&response)), (StatusCode::ACCEPTED, None));
    Ok(())
}

#[tokio::test]
async fn a_wait_ends_with_202_and_is_cut_to_what_is_allowed() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().variable("max_wait_seconds", "1")).await? else {
        return Ok(());
    };
    larder.system().workers[0].pause()?;
    let start = Instant::now();
    let response = larder.item(Method::PUT, &larder.id("a")).header("prefer", "wait=600").body("x").send().await?;
    assert_eq!((response.status(), applied_preference(&response)), (StatusCode::ACCEPTED, Some("wait=1")));
    assert!((1..10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    larder.system().workers[0].resume()?;
    larder.applied(response).await?;
    Ok(())
}

#[tokio::test]
async fn those_who_wait_keep_nobody_else_waiting() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "before").await?;
    larder.system().workers[0].pause()?;
    let mut system = larder.take_system();
    let waiting = (0..40)
        .map(|n| larder.item(Method::PUT, &larder.id(&n.to_string())).header("prefer", "wait=10").body("x").send());
    let others = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..50 {
            let read = tokio::time::timeout(Duration::from_secs(2), larder.get(&id)).await??;
            assert_eq!(read.status(), StatusCode::OK);
            let write = larder.item(Method::PUT, &larder.id("other")).body("x").send();
            assert_eq!(tokio::time::timeout(Duration::from_secs(2), write).await??.status(), StatusCode::ACCEPTED);
        }
        system.workers[0].resume()?;
        anyhow::Ok(())
    };
    let (answers, others) = tokio::join!(futures::future::try_join_all(waiting), others);
    others?;
    assert!(answers?.iter().all(|answer| answer.status() == StatusCode::CREATED));
    Ok(())
}

#[tokio::test]
async fn a_write_that_is_accepted_stays_so_when_redis_dies_during_the_wait() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut system = larder.take_system();
    system.workers[0].pause()?;
    let id = larder.id("a");
    let request = larder.item(Method::PUT, &id).header("prefer", "wait=10").body("x").send();
    let kill = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        system.redis.kill().await?;
        system.redis.restart().await
    };
    let (response, killed) = tokio::join!(request, kill);
    killed?;
    let response = response?;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    system.workers[0].resume()?;
    larder.applied(response).await?;
    assert_eq!(larder.get(&id).await?.text().await?, "x");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_wait_block_few_connections_and_no_read() -> Tested {
    const CLIENTS: u64 = 2_000;
    let builder = System::builder().variable("max_wait_seconds", "60");
    let Some(larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut larder = larder.unwitnessed()?;
    let id = larder.id("a");
    larder.put(&id, "before").await?;
    let mut system = larder.take_system();
    let redis = Direct::open(&system.redis.url()).await?;
    system.workers[0].pause()?;

    let larder = Arc::new(larder);
    let mut waiting = JoinSet::new();
    for n in 0..CLIENTS {
        let larder = larder.clone();
        waiting.spawn(async move {
            let put = larder.item(Method::PUT, &larder.id(&n.to_string())).header("prefer", "wait=25").body("x");
            put.send().await.map(|answer| answer.status())
        });
        // On WASI 0.2 each request under way needs an instance, and there is room for some 330.
        if (n + 1) % 50 == 0 {
            eventually("all writes are accepted", async || {
                let pending: u64 = redis.pending().await?.iter().sum();
                ensure!(pending == n + 1, "{pending}");
                Ok(())
            })
            .await?;
        }
    }
    let most = Partition::all().count() as u64 * limits::MAX_BLOCKED_PER_PARTITION;
    let blocked = redis.info("clients", "blocked_clients").await?;
    assert!((1..=most).contains(&blocked), "{blocked}");
    let connected = redis.info("clients", "connected_clients").await?;
    assert!(connected < CLIENTS / 2, "{connected}");
    for _ in 0..50 {
        let read = tokio::time::timeout(Duration::from_secs(2), larder.get(&id)).await??;
        assert_eq!(read.text().await?, "before");
    }

    system.workers[0].resume()?;
    let statuses = waiting.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    // On WASI 0.2 a request that looked now and then would hold a connection all the same.
    let told_later = statuses.iter().filter(|&&status| status == StatusCode::ACCEPTED).count() as u64;
    assert_eq!(told_later, if Wasi::from_env()? == Wasi::V0_2 { CLIENTS - most } else { 0 });
    assert!(statuses.iter().all(|status| [StatusCode::ACCEPTED, StatusCode::CREATED].contains(status)));
    Ok(())
}

#[tokio::test]
async fn what_was_read_by_those_who_waited_is_gone() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let single = larder.item(Method::PUT, &larder.id("a")).header("prefer", "wait=10").body("x").send().await?;
    assert_eq!(single.status(), StatusCode::CREATED);
    let operations: Vec<_> =
        (0..100).map(|n| json!({"op": "put", "id": larder.id(&n.to_string()).as_str(), "value": n})).collect();
    let bulk = larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&operations).send().await?;
    let results: Vec<Value> = bulk.json().await?;
    assert!(results.iter().all(|result| result["status"] == 201), "{results:?}");
    let left: Vec<String> = redis.command(&["KEYS", "larder:*:outcome:*"]).await?;
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}
