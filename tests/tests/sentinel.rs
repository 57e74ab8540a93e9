//! A store on one primary that a Sentinel watches over: component and worker find the new primary by themselves.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use larder_system::{ApiProcess, ApiSettings, DataFolder, Output, Port, RedisSentinel, Runtime, Wasi, WorkerProcess};
use larder_tests::{eventually, http};
use reqwest::{Client, StatusCode};

type Tested = anyhow::Result<()>;

/// After how long without an answer the primary is replaced.
const DOWN_AFTER: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_new_primary_is_found() -> Tested {
    let data = Arc::new(DataFolder::temporary()?);
    let mut sentinel = RedisSentinel::start(&data, DOWN_AFTER).await?;
    let url = format!("redis://{}", sentinel.address());
    let _worker = WorkerProcess::start(&url, &[("LARDER_REDIS_SENTINEL", sentinel.name())], &[], Output::Inherited)?;
    let component = |wasi, port: &Port| {
        let settings =
            ApiSettings::new(Runtime::from_env()?, wasi, port.address(), "redis://127.0.0.1:*", Output::Inherited);
        ApiProcess::start(settings.variable("redis_sentinel", sentinel.name()).variable("redis_nodes", &url))
    };
    let ports = [Port::reserve()?, Port::reserve()?];
    let components = [component(Wasi::V0_3, &ports[0])?, component(Wasi::V0_2, &ports[1])?];
    let (client, items) = (http(), components.each_ref().map(|component| format!("{}/items/a", component.url())));

    for (n, item) in items.iter().enumerate() {
        write(&client, item, &format!("before {n}")).await?;
    }
    sentinel.node_mut(0).kill().await?;
    for (n, item) in items.iter().enumerate() {
        write(&client, item, &format!("after {n}")).await?;
    }
    ensure!(sentinel.primary().await? == 1, "the replica was not promoted");
    // What was the primary comes back as a replica, and nobody takes it for more.
    sentinel.node_mut(0).restart().await?;
    for round in 0..20 {
        for item in &items {
            write(&client, item, &format!("round {round}")).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Writes until the write is applied, and reads it through the same component.
async fn write(client: &Client, item: &str, value: &str) -> Tested {
    eventually("the write is applied", async || {
        let answer = client.put(item).header("prefer", "wait=5").body(value.to_owned()).send().await?;
        let applied = [StatusCode::CREATED, StatusCode::NO_CONTENT].contains(&answer.status());
        ensure!(applied, "{} {}", answer.status(), answer.text().await?);
        Ok(())
    })
    .await?;
    eventually("it is read", async || {
        let read = client.get(item).send().await?.error_for_status()?.text().await?;
        ensure!(read == value, "{read} in place of {value}");
        Ok(())
    })
    .await
}
