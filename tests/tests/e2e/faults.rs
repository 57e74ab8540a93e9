//! Parts die under load: what was acknowledged is there afterwards, and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_protocol::ItemId;
use larder_system::{System, Wasi};
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::Tested;

const WRITERS: usize = 8;

/// How long a component may take to start again. Spin compiles it each time.
const RESTART: Duration = Duration::from_secs(30);

/// What one writer, the only one of its item, saw.
struct History {
    id: ItemId,
    /// The last value that was acknowledged.
    acknowledged: u64,
    /// The last value that was sent; unacknowledged ones may have been applied or not.
    sent: u64,
    refusals: u64,
}

/// Writes rising numbers, each writer to an item of its own, until told to stop.
fn start_writers(larder: &Arc<Larder>, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<History>> {
    (0..WRITERS)
        .map(|writer| {
            let (larder, stop) = (larder.clone(), stop.clone());
            let id = larder.id(&format!("writer-{writer}"));
            tokio::spawn(async move {
                let mut history = History { id, acknowledged: 0, sent: 0, refusals: 0 };
                while !stop.load(Ordering::Relaxed) {
                    history.sent += 1;
                    let request = larder.item(Method::PUT, &history.id).body(history.sent.to_string());
                    match request.send().await {
                        Ok(response) if response.status() == StatusCode::ACCEPTED => {
                            history.acknowledged = history.sent
                        }
                        _ => {
                            history.refusals += 1;
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                }
                history
            })
        })
        .collect()
}

/// Every item ends at the last acknowledged value, or at one that was sent after it.
async fn check(larder: &Larder, writers: Vec<JoinHandle<History>>) -> Tested {
    for writer in writers {
        let history = writer.await?;
        assert!(history.acknowledged > 0, "{} was never accepted", history.id);
        // A write behind all others of its item: when it is applied, they are.
        larder.put(&larder.id(&format!("{}-end", history.id)), "x").await?;
        eventually("the last acknowledged value is there", async || {
            let value: u64 = larder.get(&history.id).await?.error_for_status()?.text().await?.parse()?;
            anyhow::ensure!(
                (history.acknowledged..=history.sent).contains(&value),
                "{}: {value} is not from {} to {}",
                history.id,
                history.acknowledged,
                history.sent
            );
            Ok(())
        })
        .await?;
        println!("{}: {} sent, {} refused", history.id, history.sent, history.refusals);
    }
    Ok(())
}

async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Lets `fault` happen so many times while writers write, and checks what they saw.
async fn survive(rounds: usize, fault: impl AsyncFn(&mut System) -> Tested) -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let (larder, stop) = (Arc::new(larder), Arc::default());
    let writers = start_writers(&larder, &stop);
    for _ in 0..rounds {
        pass(200).await;
        fault(&mut system).await?;
    }
    pass(200).await;
    stop.store(true, Ordering::Relaxed);
    check(&larder, writers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_worker_under_load_loses_nothing() -> Tested {
    survive(5, async |system| {
        system.workers[0].kill().await?;
        pass(50).await;
        system.workers[0].restart().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_redis_under_load_loses_nothing_and_needs_no_other_restart() -> Tested {
    survive(3, async |system| {
        system.redis.kill().await?;
        pass(50).await;
        system.redis.restart().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_component_under_load_loses_nothing() -> Tested {
    survive(3, async |system| {
        system.api.restart().await?;
        system.wait_until_ready(RESTART).await
    })
    .await
}

#[tokio::test]
async fn a_redis_that_hangs_is_said_in_time_and_answers_again() -> Tested {
    if Wasi::from_env()? == Wasi::V0_2 {
        // Its host gives no timeouts: see the next test.
        return Ok(());
    }
    let builder = System::builder().variable("redis_timeout_ms", "200");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "before").await?;
    larder.system().redis.pause()?;

    let problem = async |method: Method| -> anyhow::Result<String> {
        let response = larder.item(method, &id).body("x").send().await?;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        let problem: Value = response.json().await?;
        Ok(problem["type"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(problem(Method::GET).await?, "urn:larder:problem:store-unavailable");
    let write = problem(Method::PUT).await?;
    assert!(write.ends_with("outcome-unknown") || write.ends_with("store-unavailable"), "{write}");

    larder.system().redis.resume()?;
    eventually("reads are answered again", async || Ok(larder.get(&id).await?.error_for_status()?)).await?;
    larder.put(&id, "after").await?;
    assert_eq!(larder.get(&id).await?.text().await?, "after");
    Ok(())
}

/// WASI 0.2 has no way to give a call of the host up. What hangs is this request, and no other.
#[tokio::test]
async fn with_wasi_0_2_a_request_hangs_as_long_as_redis_and_is_then_answered() -> Tested {
    if Wasi::from_env()? != Wasi::V0_2 {
        return Ok(());
    }
    let builder = System::builder().variable("redis_timeout_ms", "200");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "before").await?;
    larder.system().redis.pause()?;

    let read = larder.item(Method::GET, &id).send();
    tokio::pin!(read);
    assert!(tokio::time::timeout(Duration::from_millis(600), &mut read).await.is_err(), "it was answered");
    let live = larder.request(Method::GET, "/health/live").send().await?;
    assert_eq!(live.status(), StatusCode::OK);

    larder.system().redis.resume()?;
    assert_eq!(read.await?.error_for_status()?.text().await?, "before");
    larder.put(&id, "after").await?;
    assert_eq!(larder.get(&id).await?.text().await?, "after");
    Ok(())
}

#[tokio::test]
async fn without_redis_requests_are_refused_and_nothing_was_written() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    larder.put(&id, "before").await?;
    larder.system().redis.kill().await?;
    eventually("the component has noticed", async || {
        let response = larder.item(Method::PUT, &id).body("x").send().await?;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let problem: Value = response.json().await?;
        anyhow::ensure!(problem["type"] == "urn:larder:problem:store-unavailable", "{problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains("Nothing was written"), "{problem}");
        Ok(())
    })
    .await?;
    larder.system().redis.restart().await?;
    eventually("it is back", async || Ok(larder.get(&id).await?.error_for_status()?)).await?;
    assert_eq!(larder.get(&id).await?.text().await?, "before");
    Ok(())
}
