//! The worker as a process: how it starts, waits and ends.

use std::time::Duration;

use larder_protocol::{Content, ItemId, Operation, Partition, keys};
use larder_system::{Exited, Output, System, WorkerProcess, built};
use larder_tests::{Direct, Larder, RedisAlone, eventually};
use reqwest::Method;

use crate::Tested;

#[tokio::test]
async fn sigterm_ends_it_within_a_second_and_loses_nothing() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    let Exited { status, took } = larder.system().workers[0].terminate(Duration::from_secs(5)).await?;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(1), "{took:?}");

    let response = larder.item(Method::PUT, &id).body("waits").send().await?;
    larder.system().workers[0].restart().await?;
    larder.applied(response).await?;
    assert_eq!(larder.get(&id).await?.text().await?, "waits");
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_it_within_a_second_when_redis_hangs() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    larder.system().redis.pause()?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let Exited { status, took } = larder.system().workers[0].terminate(Duration::from_secs(5)).await?;
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    Ok(())
}

#[tokio::test]
async fn it_waits_for_a_redis_that_is_absent_and_says_so_once() -> Tested {
    let mut redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let content = Content::new(None, b"x".into())?;
    redis.accept(&id, &Operation::Put { content, ttl: None }.into(), 10).await?;
    redis.server.kill().await?;
    let logs = tempfile::TempDir::new()?;
    let log = Output::File(logs.path().join("worker.log"));
    let worker = WorkerProcess::start(&redis.server.url(), &[], &[], log)?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    redis.server.restart().await?;
    redis.direct = Direct::open(&redis.server.url()).await?;
    eventually("the write is applied", async || {
        let there: bool = redis.command(&["EXISTS", &keys::item(&id)]).await?;
        anyhow::ensure!(there, "the item is not there yet");
        Ok(())
    })
    .await?;
    let log = worker.output().text();
    assert_eq!(log.matches("unreachable").count(), 1, "{log}");
    assert_eq!(log.matches("is back").count(), 1, "{log}");
    Ok(())
}

#[tokio::test]
async fn expired_ids_leave_the_index() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    let path = format!("/items/{}?ttl=1", id.to_path());
    larder.applied(larder.request(Method::PUT, &path).body("x").send().await?).await?;
    let redis = Direct::open(&larder.system().redis.url()).await?;
    eventually("the index forgets it", async || {
        let p = Partition::of(&id);
        let left: u64 = redis.command(&["EXISTS", &keys::index(p), &keys::expiry(p)]).await?;
        anyhow::ensure!(left == 0, "{left} sets are left");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_lost_ring_delays_a_write_and_no_more() -> Tested {
    let redis = RedisAlone::start().await?;
    let log = Output::Inherited;
    let worker = WorkerProcess::start(&redis.server.url(), &[], &[], log)?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    eventually("the worker lives", async || {
        anyhow::ensure!(
            redis.command::<u64>(&["ZCARD", &keys::workers(Partition::all().next().unwrap())]).await? == 1,
            "no heartbeat yet"
        );
        Ok(())
    })
    .await?;
    // Straight onto the stream, as if the doorbell's message had been lost.
    let entry = ["XADD", &keys::writes(p), "*", "op", "put", "id", "a", "ttl", "-", "item", "t/p\n\nx"];
    redis.command::<String>(&entry).await?;
    eventually("the sweep finds it", async || {
        anyhow::ensure!(redis.command::<bool>(&["EXISTS", &keys::item(&id)]).await?, "not yet");
        Ok(())
    })
    .await?;
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_refused_in_words() -> Tested {
    for (argument, says) in
        [("--redis=nonsense", "redis"), ("--sweep-interval=often", "often"), ("--nothing", "--nothing")]
    {
        let output = std::process::Command::new(built("larder-worker")?).arg(argument).output()?;
        assert_eq!(output.status.code(), Some(2), "{argument}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(says), "{message}");
    }
    Ok(())
}
