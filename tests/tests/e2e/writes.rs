//! What `/writes/{revision}` answers.

use larder_protocol::Revision;
use larder_system::System;
use larder_tests::Larder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

#[tokio::test]
async fn a_write_is_pending_and_then_applied() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    larder.system().workers[0].pause()?;
    let id = larder.id("a");
    let response = larder.item(Method::PUT, &id).body("x").send().await?;
    let path = response.headers()["location"].to_str()?.to_owned();
    let pending = larder.request(Method::GET, &path).send().await?;
    assert_eq!(pending.status(), StatusCode::OK);
    assert_eq!(pending.headers()["cache-control"], "no-store");
    assert_eq!(pending.json::<Value>().await?["outcome"], "pending");

    larder.system().workers[0].resume()?;
    let revision = larder.applied(response).await?;
    let applied: Value = larder.request(Method::GET, &path).send().await?.json().await?;
    let revision = revision.to_string();
    let id = id.as_str();
    assert_eq!(
        applied,
        json!({"revision": revision, "outcome": "applied", "id": id, "current": revision, "visible": true})
    );
    Ok(())
}

#[tokio::test]
async fn a_write_that_never_was_is_404_and_an_old_one_is_410() -> Tested {
    let larder = Larder::start().await?;
    let known = larder.put(&larder.id("a"), "x").await?;
    let at = |ms| {
        let mut revision: Revision = known;
        revision.id.ms = ms;
        format!("/writes/{revision}")
    };
    for (path, status, kind) in [
        (at(known.id.ms + 3_600_000), StatusCode::NOT_FOUND, "no-such-write"),
        (at(known.id.ms - 7_200_000), StatusCode::GONE, "write-too-old"),
        ("/writes/64-1-1".to_owned(), StatusCode::BAD_REQUEST, "invalid-revision"),
        ("/writes/x".to_owned(), StatusCode::BAD_REQUEST, "invalid-revision"),
    ] {
        let response = larder.request(Method::GET, &path).send().await?;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.json::<Value>().await?["type"], format!("urn:larder:problem:{kind}"));
    }
    Ok(())
}
