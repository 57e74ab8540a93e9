//! What the health checks say when parts are missing.

use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

async fn expect_health(larder: &Larder, path: &str, status: StatusCode, says: &str) -> Tested {
    eventually(says, async || {
        let response = larder.request(Method::GET, path).send().await?;
        anyhow::ensure!(response.status() == status, "{}", response.status());
        let body = response.text().await?;
        anyhow::ensure!(body.contains(says), "{body}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_whole_system_is_live_and_ready() -> Tested {
    let larder = Larder::start().await?;
    let live: Value = larder.request(Method::GET, "/health/live").send().await?.json().await?;
    assert_eq!(live, json!({"status": "live"}));
    expect_health(&larder, "/health/ready", StatusCode::OK, "ready").await
}

#[tokio::test]
async fn readiness_names_what_is_missing_and_comes_back() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    larder.system().workers[0].kill().await?;
    expect_health(&larder, "/health/ready", StatusCode::SERVICE_UNAVAILABLE, "workers: none has reported").await?;
    larder.system().workers[0].restart().await?;
    expect_health(&larder, "/health/ready", StatusCode::OK, "ready").await?;

    larder.system().redis.kill().await?;
    expect_health(&larder, "/health/ready", StatusCode::SERVICE_UNAVAILABLE, "redis: ").await?;
    expect_health(&larder, "/health/live", StatusCode::OK, "live").await?;
    larder.system().redis.restart().await?;
    expect_health(&larder, "/health/ready", StatusCode::OK, "ready").await
}
