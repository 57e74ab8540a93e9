//! `Idempotency-Key`: a repeated request makes no second write.

use larder_api::web::header;
use larder_protocol::ItemId;
use larder_system::System;
use larder_tests::{Direct, Larder};
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::{Value, json};

use crate::Tested;

fn keyed(larder: &Larder, id: &ItemId, key: &str, value: &str) -> RequestBuilder {
    larder.item(Method::PUT, id).header(header::IDEMPOTENCY_KEY, key).body(value.to_owned())
}

#[tokio::test]
async fn a_repeat_answers_the_first_write() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let first = keyed(&larder, &id, "\"k\"", "one").send().await?;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let location = first.headers()["location"].clone();
    larder.applied(first).await?;
    larder.put(&id, "two").await?;

    let again = keyed(&larder, &id, "\"k\"", "one").send().await?;
    assert_eq!((again.status(), &again.headers()["location"]), (StatusCode::ACCEPTED, &location));
    larder.applied(again).await?;
    assert_eq!(larder.get(&id).await?.text().await?, "two", "the repeat wrote nothing");

    let waiting = keyed(&larder, &id, "\"k\"", "one").header("prefer", "wait=5").send().await?;
    assert_eq!(waiting.status(), StatusCode::CREATED, "the outcome of the first, told again");
    Ok(())
}

#[tokio::test]
async fn a_repeat_may_wait_for_a_write_that_did_not() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let id = larder.id("a");
    system.workers[0].pause()?;
    assert_eq!(keyed(&larder, &id, "\"k\"", "x").send().await?.status(), StatusCode::ACCEPTED);
    let waiting = keyed(&larder, &id, "\"k\"", "x").header("prefer", "wait=10").send();
    let resume = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        system.workers[0].resume()
    };
    let (answer, resumed) = tokio::join!(waiting, resume);
    resumed?;
    assert_eq!(answer?.status(), StatusCode::CREATED);
    Ok(())
}

#[tokio::test]
async fn a_rejection_is_repeated_too() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let request = || keyed(&larder, &id, "\"k\"", "x").header("if-match", "*");
    assert_eq!(request().send().await?.status(), StatusCode::PRECONDITION_FAILED);
    larder.put(&id, "now it is there").await?;
    assert_eq!(request().send().await?.status(), StatusCode::PRECONDITION_FAILED, "as the first");
    Ok(())
}

#[tokio::test]
async fn another_request_under_the_key_is_422() -> Tested {
    let larder = Larder::start().await?;
    let (a, b) = (larder.id("a"), larder.id("b"));
    larder.applied(keyed(&larder, &a, "\"k\"", "one").send().await?).await?;
    let delete = larder.item(Method::DELETE, &a).header(header::IDEMPOTENCY_KEY, "\"k\"");
    let typed = keyed(&larder, &a, "\"k\"", "one").header("content-type", "text/plain");
    for other in [keyed(&larder, &a, "\"k\"", "two"), delete, typed] {
        let response = other.send().await?;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.json::<Value>().await?["type"], "urn:larder:problem:idempotency-key-reused");
    }
    assert_eq!(keyed(&larder, &b, "\"k\"", "one").send().await?.status(), StatusCode::ACCEPTED, "a key is its item's");
    Ok(())
}

#[tokio::test]
async fn what_is_no_key_is_400() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    for key in ["k", "\"\"", "\"k", "7", "\"a\", \"b\"", &format!("\"{}\"", "x".repeat(256))] {
        let response = keyed(&larder, &id, key, "x").send().await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{key}");
        assert_eq!(response.json::<Value>().await?["type"], "urn:larder:problem:invalid-idempotency-key");
    }
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

/// A store that takes no more writes says all the same what became of those that it took.
#[tokio::test]
async fn a_repeat_is_answered_when_memory_is_full() -> Tested {
    let Some(mut larder) = Larder::own_alone(System::builder()).await? else { return Ok(()) };
    let url = larder.system().redis.url();
    let (id, patched) = (larder.id("a"), larder.id("patched"));
    let put = |key| keyed(&larder, &id, key, "x").header("prefer", "wait=5");
    let patch = |key| {
        let patch = larder.item(Method::PATCH, &patched).header(header::IDEMPOTENCY_KEY, key);
        patch.header("if-none-match", "*").header("content-type", "application/merge-patch+json").body("{}")
    };
    let bulk = |key| {
        let operations = json!([{"op": "put", "id": id.as_str(), "value": "y"}, {"op": "delete", "id": "never"}]);
        let request = larder.request(Method::POST, "/items").header("prefer", "wait=5");
        request.header(header::IDEMPOTENCY_KEY, key).json(&operations)
    };
    let told = |response: &Response| (response.status(), response.headers().get(&header::REVISION).cloned());
    let written = told(&put("\"k\"").send().await?);
    let made = told(&patch("\"k\"").send().await?);
    assert_eq!([written.0, made.0], [StatusCode::CREATED; 2]);
    let many: Value = bulk("\"k\"").send().await?.json().await?;

    let redis = Direct::open(&url).await?;
    redis.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    assert_eq!(told(&put("\"k\"").send().await?), written);
    assert_eq!(told(&patch("\"k\"").send().await?), made);
    assert_eq!(bulk("\"k\"").send().await?.json::<Value>().await?, many);
    for new in [put("\"new\""), bulk("\"new\"")] {
        let refused: Value = new.send().await?.json().await?;
        let problem = if refused.is_array() { &refused[0]["problem"] } else { &refused };
        assert_eq!(problem["type"], "urn:larder:problem:out-of-memory", "{refused}");
    }
    Ok(())
}
