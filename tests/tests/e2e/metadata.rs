//! What a client says about an item in `Larder-Meta-*` comes back with it.

use larder_protocol::limits::MAX_METADATA_BYTES;
use larder_tests::Larder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

#[tokio::test]
async fn metadata_is_kept_and_returned() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    for method in [Method::PUT, Method::POST] {
        let request = larder.item(method, &id).header("Larder-Meta-Owner", "Ada L.").header("larder-meta-empty", "");
        let written = request.json(&json!({"value": "x"})).send().await?;
        larder.applied(written).await?;
        for method in [Method::GET, Method::HEAD] {
            let read = larder.item(method, &id).send().await?;
            assert_eq!(read.headers()["larder-meta-owner"], "Ada L.");
            assert_eq!(read.headers()["larder-meta-empty"], "");
        }
    }
    larder.put(&id, "without").await?;
    assert!(!larder.get(&id).await?.headers().contains_key("larder-meta-owner"), "a write replaces the metadata too");
    Ok(())
}

#[tokio::test]
async fn metadata_is_limited_and_plain() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let most = "x".repeat(MAX_METADATA_BYTES - 1);
    larder.applied(larder.item(Method::PUT, &id).header("larder-meta-a", &most).body("x").send().await?).await?;
    assert_eq!(larder.get(&id).await?.headers()["larder-meta-a"], most.as_str());

    let put = || larder.item(Method::PUT, &id).body("y");
    for (request, hint) in [
        (put().header("larder-meta-a", format!("{most}x")), "2049 bytes"),
        (put().header("larder-meta-a", "1").header("larder-meta-a", "2"), "\"a\" is given more than once"),
        (put().header("larder-meta-a", "Grüße"), "\"a\" must be printable ASCII"),
        (put().header("larder-meta-", "x"), "The metadata name \"\""),
    ] {
        let refused = request.send().await?;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let problem: Value = refused.json().await?;
        assert_eq!(problem["type"], "urn:larder:problem:invalid-metadata");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{problem}");
    }
    assert_eq!(larder.get(&id).await?.text().await?, "x");
    Ok(())
}
