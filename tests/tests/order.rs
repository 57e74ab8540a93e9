//! Writes take effect in the order in which they were accepted, however late they are applied.
//!
//! The worker stands still while the writes of a story are accepted, then applies them all at
//! once. A time to live counts from acceptance, so it goes on, and may end, meanwhile.

use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_protocol::ItemId;
use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::Value;

type Tested = anyhow::Result<()>;

/// One request of a story.
enum Step<'a> {
    Put(&'a str),
    /// With so many seconds to live.
    PutFor(u32, &'a str),
    /// Only if there is no such item.
    Create(&'a str),
    Delete,
}

/// Sends the steps one after the other; each is accepted before the next is sent.
async fn tell(larder: &Larder, id: &ItemId, steps: &[Step<'_>]) -> anyhow::Result<Vec<String>> {
    let mut writes = Vec::new();
    for step in steps {
        let path = format!("/items/{}", id.to_path());
        let request = match step {
            Step::Put(value) => larder.request(Method::PUT, &path).body(value.to_string()),
            Step::PutFor(ttl, value) => {
                larder.request(Method::PUT, &format!("{path}?ttl={ttl}")).body(value.to_string())
            }
            Step::Create(value) => {
                larder.request(Method::PUT, &path).header("if-none-match", "*").body(value.to_string())
            }
            Step::Delete => larder.request(Method::DELETE, &path),
        };
        let response = request.header("prefer", "respond-async").send().await?;
        ensure!(response.status() == StatusCode::ACCEPTED, "{}", response.status());
        writes.push(response.headers()["location"].to_str()?.to_owned());
    }
    Ok(writes)
}

/// The outcome of a write, once it has one.
async fn outcome(larder: &Larder, location: &str) -> anyhow::Result<String> {
    eventually("the write is through", async || {
        let write: Value = larder.request(Method::GET, location).send().await?.error_for_status()?.json().await?;
        ensure!(write["outcome"] != "pending", "{write}");
        Ok(write["outcome"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

/// The value of an item, `None` where there is none.
async fn value(larder: &Larder, id: &ItemId) -> anyhow::Result<Option<String>> {
    let response = larder.get(id).await?;
    match response.status() {
        StatusCode::NOT_FOUND => Ok(None),
        _ => Ok(Some(response.error_for_status()?.text().await?)),
    }
}

#[tokio::test]
async fn late_writes_take_effect_in_the_order_of_acceptance() -> Tested {
    use Step::{Create, Delete, Put, PutFor};
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let slow = "x".repeat(900_000);
    let end = "end";
    // The steps, and what is left two seconds after them.
    let stories: [(&[Step<'_>], Option<&str>); 9] = [
        // A large, slow write does not come back after the small, quick removal behind it.
        (&[Put(&slow), Delete], None),
        (&[Put(&slow), Put("small")], Some("small")),
        (&[Put("old"), Delete, Put("new")], Some("new")),
        (&[Put("old"), Delete, Create("new"), Create("never")], Some("new")),
        (&[PutFor(1, "short"), Put("kept")], Some("kept")),
        (&[PutFor(1, "short"), PutFor(60, "kept")], Some("kept")),
        // What ended before it was applied still takes the place of what was there.
        (&[Put("old"), PutFor(1, "short")], None),
        (&[PutFor(60, "old"), PutFor(1, "short")], None),
        (&[PutFor(1, "short"), Delete, PutFor(60, end)], Some(end)),
    ];
    // Some find an item, some do not.
    for existing in [false, true] {
        let ids: Vec<ItemId> = (0..stories.len()).map(|n| larder.id(&format!("{existing}-{n}"))).collect();
        if existing {
            for id in &ids {
                larder.put(id, "existing").await?;
            }
        }
        larder.system().workers[0].pause()?;
        let mut writes = Vec::new();
        for ((steps, _), id) in stories.iter().zip(&ids) {
            writes.push(tell(&larder, id, steps).await?);
        }
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        for id in &ids {
            let expected = existing.then(|| "existing".to_owned());
            assert_eq!(value(&larder, id).await?, expected, "nothing is applied yet");
        }
        larder.system().workers[0].resume()?;
        for (((_, left), id), writes) in stories.iter().zip(&ids).zip(&writes) {
            outcome(&larder, writes.last().unwrap()).await?;
            assert_eq!(value(&larder, id).await?.as_deref(), *left, "{id}");
        }
        let creations = [outcome(&larder, &writes[3][2]).await?, outcome(&larder, &writes[3][3]).await?];
        assert_eq!(creations, ["applied", "rejected"]);
    }
    Ok(())
}

/// A rewrite that is applied while the old time to live runs takes it off.
#[tokio::test]
async fn a_rewrite_wins_over_the_end_of_what_it_replaces() -> Tested {
    use Step::{Put, PutFor};
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let ids: Vec<ItemId> = (0..16).map(|n| larder.id(&n.to_string())).collect();
    let (mut writes, start) = (Vec::new(), Instant::now());
    for id in &ids {
        writes.extend(tell(&larder, id, &[PutFor(1, "short")]).await?);
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    // Now the first has ended, and the others end one by one.
    tokio::time::sleep(Duration::from_millis(1_010).saturating_sub(start.elapsed())).await;
    for id in &ids {
        writes.extend(tell(&larder, id, &[Put("kept")]).await?);
    }
    for location in &writes {
        assert_eq!(outcome(&larder, location).await?, "applied");
    }
    // Past the end of all of them, and past a round of the worker that cleans the index.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    for id in &ids {
        assert_eq!(value(&larder, id).await?.as_deref(), Some("kept"), "{id}");
    }
    Ok(())
}
