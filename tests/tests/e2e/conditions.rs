//! `If-Match` and `If-None-Match` on writes: judged in the order of acceptance.

use futures::future::try_join_all;
use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::Tested;

async fn assert_failed(response: Response, etag: Option<&str>) -> Tested {
    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(response.headers().get("etag").map(|e| e.to_str()).transpose()?, etag);
    let problem: Value = response.json().await?;
    assert_eq!(problem["type"], "urn:larder:problem:precondition-failed");
    Ok(())
}

#[tokio::test]
async fn each_condition_lets_through_what_it_says() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let send = async |method: Method, name: &str, value: &str| {
        larder.item(method, &id).header(name, value).body("x").send().await
    };
    assert_failed(send(Method::PUT, "if-match", "*").await?, None).await?;
    assert_failed(send(Method::DELETE, "if-match", "\"7-1-0\"").await?, None).await?;
    assert_eq!(send(Method::PUT, "if-none-match", "*").await?.status(), StatusCode::CREATED);
    let first = larder.get(&id).await?.headers()["etag"].to_str()?.to_owned();
    assert_failed(send(Method::PUT, "if-none-match", "*").await?, Some(&first)).await?;
    assert_failed(send(Method::POST, "if-none-match", &first).await?, Some(&first)).await?;
    assert_failed(send(Method::PUT, "if-match", &format!("W/{first}")).await?, Some(&first)).await?;
    assert_failed(send(Method::PUT, "if-match", "\"nonsense\"").await?, Some(&first)).await?;
    assert_eq!(send(Method::PUT, "if-none-match", "\"nonsense\"").await?.status(), StatusCode::NO_CONTENT);
    let second = larder.get(&id).await?.headers()["etag"].to_str()?.to_owned();
    assert_failed(send(Method::DELETE, "if-match", &first).await?, Some(&second)).await?;
    let either = format!("{first}, {second}");
    assert_eq!(send(Method::PUT, "if-match", &either).await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(Method::DELETE, "if-match", "*").await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn what_is_no_entity_tag_is_refused() -> Tested {
    let larder = Larder::start().await?;
    for (name, value) in [("if-match", "7-1-0"), ("if-none-match", "\"a"), ("if-match", "")] {
        let response = larder.item(Method::PUT, &larder.id("a")).header(name, value).body("x").send().await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let problem: Value = response.json().await?;
        assert_eq!(problem["type"], "urn:larder:problem:invalid-precondition", "{problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(name), "{problem}");
    }
    Ok(())
}

#[tokio::test]
async fn a_counter_of_many_hands_counts_every_success() -> Tested {
    const HANDS: u64 = 8;
    const STEPS: u64 = 10;
    let larder = Larder::start().await?;
    let id = larder.id("counter");
    larder.put(&id, "0").await?;
    try_join_all((0..HANDS).map(async |_| -> Tested {
        let mut done = 0;
        while done < STEPS {
            let read = larder.get(&id).await?;
            let etag = read.headers()["etag"].clone();
            let next = read.text().await?.parse::<u64>()? + 1;
            let write = larder.item(Method::PUT, &id).header("if-match", etag).body(next.to_string()).send().await?;
            match write.status() {
                StatusCode::NO_CONTENT => done += 1,
                StatusCode::PRECONDITION_FAILED => {}
                // On WASI 0.2 few wait at once, and the others are told where to ask.
                StatusCode::ACCEPTED => done += u64::from(was_applied(&larder, &write).await?),
                status => anyhow::bail!("{status}: {}", write.text().await?),
            }
        }
        Ok(())
    }))
    .await?;
    assert_eq!(larder.get(&id).await?.text().await?, (HANDS * STEPS).to_string());
    Ok(())
}

/// Whether a write that was accepted was applied in the end.
async fn was_applied(larder: &Larder, accepted: &Response) -> anyhow::Result<bool> {
    let location = accepted.headers()["location"].to_str()?;
    eventually("the outcome is known", async || {
        let outcome: Value = larder.request(Method::GET, location).send().await?.json().await?;
        anyhow::ensure!(outcome["outcome"] != "pending", "{outcome}");
        Ok(outcome["outcome"] == "applied")
    })
    .await
}

#[tokio::test]
async fn one_of_many_creators_wins_though_all_were_accepted() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    larder.system().workers[0].pause()?;
    let id = larder.id("a");
    let mut accepted = Vec::new();
    for n in 0..5 {
        let request = larder.item(Method::PUT, &id).header("if-none-match", "*").header("prefer", "respond-async");
        let response = request.body(n.to_string()).send().await?;
        assert_eq!(response.status(), StatusCode::ACCEPTED, "the outcome is open while writes are pending");
        accepted.push(response.headers()["location"].to_str()?.to_owned());
    }
    larder.system().workers[0].resume()?;
    larder.put(&larder.id("other"), "x").await?;
    let mut outcomes = Vec::new();
    for path in accepted {
        let outcome: Value = eventually("it is settled", async || {
            let outcome: Value = larder.request(Method::GET, &path).send().await?.json().await?;
            anyhow::ensure!(outcome["outcome"] != "pending", "{outcome}");
            Ok(outcome)
        })
        .await?;
        outcomes.push(outcome["outcome"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(outcomes, ["applied", "rejected", "rejected", "rejected", "rejected"]);
    assert_eq!(larder.get(&id).await?.text().await?, "0");
    Ok(())
}

#[tokio::test]
async fn a_condition_on_a_read_is_heeded() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let etag = larder.put(&id, "x").await?.etag();
    let read = async |tag: &str| larder.item(Method::GET, &id).header("if-match", tag).send().await;
    assert_eq!(read(&etag).await?.status(), StatusCode::OK);
    assert_failed(read("\"7-1-0\"").await?, Some(&etag)).await
}
