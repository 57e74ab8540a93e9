//! Many writes over many connections.

use std::sync::Arc;

use futures::future::try_join_all;
use larder_tests::Larder;
use reqwest::{Method, StatusCode};

use crate::Tested;

const CONNECTIONS: usize = 64;
const WRITES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_writes_over_64_connections_are_all_read_back() -> Tested {
    let larder = Arc::new(Larder::start().await?);
    try_join_all((0..CONNECTIONS).map(async |connection| -> Tested {
        let mut last = None;
        for n in (connection..WRITES).step_by(CONNECTIONS) {
            let id = larder.id(&format!("{n}"));
            let response = larder.item(Method::PUT, &id).body(format!("value {n}")).send().await?;
            anyhow::ensure!(response.status() == StatusCode::ACCEPTED, "{n}: {}", response.status());
            last = Some(response);
        }
        larder.applied(last.expect("each connection writes")).await?;
        Ok(())
    }))
    .await?;
    try_join_all((0..CONNECTIONS).map(async |connection| -> Tested {
        for n in (connection..WRITES).step_by(CONNECTIONS) {
            let id = larder.id(&format!("{n}"));
            larder_tests::eventually("it is applied", async || {
                let value = larder.get(&id).await?.error_for_status()?.text().await?;
                assert_eq!(value, format!("value {n}"));
                Ok(())
            })
            .await?;
        }
        Ok(())
    }))
    .await?;
    Ok(())
}
