//! What `/items/{id}` answers when all is well.

use std::time::{Duration, SystemTime};

use larder_api::web::header;
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

#[tokio::test]
async fn a_written_value_is_read_back() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let revision = larder.put(&id, "Hello").await?;
    let response = larder.get(&id).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["etag"], revision.etag().as_str());
    assert_eq!(headers["content-length"], "5");
    assert_eq!(headers["cache-control"], "no-cache");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-security-policy"].to_str()?.starts_with("sandbox"));
    assert!(!headers.contains_key(header::EXPIRES_AT));
    assert!(headers["last-modified"].to_str()?.ends_with(" GMT"));
    assert_eq!(response.text().await?, "Hello");
    Ok(())
}

#[tokio::test]
async fn a_missing_item_is_404() -> Tested {
    let larder = Larder::start().await?;
    let response = larder.get(&larder.id("never written")).await?;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let problem: Value = response.json().await?;
    assert_eq!(problem["type"], "urn:larder:problem:no-such-item");
    Ok(())
}

#[tokio::test]
async fn head_answers_as_get_without_the_value() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    larder.put(&id, "Hello").await?;
    let (get, head) = (larder.get(&id).await?, larder.item(Method::HEAD, &id).send().await?);
    assert_eq!(head.status(), StatusCode::OK);
    let without_times = |response: &reqwest::Response| {
        let mut headers = response.headers().clone();
        headers.remove("date");
        headers.remove("server-timing");
        headers
    };
    assert_eq!(without_times(&head), without_times(&get));
    assert_eq!(head.bytes().await?.len(), 0);
    let missing = larder.item(Method::HEAD, &larder.id("missing")).send().await?;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn an_accepted_write_says_where_its_outcome_is() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let response = larder.item(Method::PUT, &id).body("x").send().await?;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let location = response.headers()["location"].to_str()?.to_owned();
    let revision = response.headers()[header::REVISION].to_str()?.to_owned();
    assert_eq!(location, format!("/writes/{revision}?id={}", id.as_str().replace('/', "%2F")));
    assert_eq!(response.json::<Value>().await?, json!({"revision": revision, "outcome": "pending"}));
    Ok(())
}

#[tokio::test]
async fn a_value_without_a_type_is_bytes() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    larder.applied(larder.item(Method::PUT, &id).body("x").send().await?).await?;
    assert_eq!(larder.get(&id).await?.headers()["content-type"], "application/octet-stream");
    Ok(())
}

#[tokio::test]
async fn a_write_replaces_value_type_and_ttl() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let path = format!("/items/{}?ttl=1000", id.to_path());
    let first = larder.request(Method::PUT, &path).header("content-type", "text/html").body("<b>").send().await?;
    larder.applied(first).await?;
    assert!(larder.get(&id).await?.headers().contains_key(header::EXPIRES_AT));
    larder.put(&id, "plain").await?;
    let second = larder.get(&id).await?;
    assert_eq!(second.headers()["content-type"], "text/plain");
    assert!(!second.headers().contains_key(header::EXPIRES_AT));
    Ok(())
}

#[tokio::test]
async fn a_deleted_item_is_gone() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    larder.applied(larder.item(Method::DELETE, &id).send().await?).await?;
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    let again = larder.item(Method::DELETE, &id).send().await?;
    assert_eq!(again.status(), StatusCode::ACCEPTED, "deleting is idempotent");
    Ok(())
}

#[tokio::test]
async fn an_envelope_stores_text_or_json() -> Tested {
    let larder = Larder::start().await?;
    for (value, content_type, stored) in [
        (json!("Grüße\n"), "text/plain; charset=utf-8", "Grüße\n"),
        (json!({"a": [1, null]}), "application/json", r#"{"a":[1,null]}"#),
        (json!(0), "application/json", "0"),
        (json!(false), "application/json", "false"),
        (json!([]), "application/json", "[]"),
    ] {
        let id = larder.id("envelope");
        larder.applied(larder.item(Method::POST, &id).json(&json!({ "value": value })).send().await?).await?;
        let response = larder.get(&id).await?;
        assert_eq!(response.headers()["content-type"], content_type);
        assert_eq!(response.text().await?, stored);
    }
    Ok(())
}

#[tokio::test]
async fn a_post_that_is_not_json_is_a_put() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let request = larder.item(Method::POST, &id).header("content-type", "text/csv").body("a,b");
    larder.applied(request.send().await?).await?;
    let response = larder.get(&id).await?;
    assert_eq!(response.headers()["content-type"], "text/csv");
    assert_eq!(response.text().await?, "a,b");
    Ok(())
}

#[tokio::test]
async fn a_ttl_passes() -> Tested {
    let larder = Larder::start().await?;
    let (in_query, in_body) = (larder.id("query"), larder.id("body"));
    let path = format!("/items/{}?ttl=2", in_query.to_path());
    let start = SystemTime::now();
    larder.applied(larder.request(Method::PUT, &path).body("x").send().await?).await?;
    let envelope = json!({"value": "x", "ttl": 2});
    larder.applied(larder.item(Method::POST, &in_body).json(&envelope).send().await?).await?;

    for id in [&in_query, &in_body] {
        let response = larder.get(id).await?;
        assert_eq!(response.status(), StatusCode::OK, "two seconds are not over");
        let expires = response.headers()[header::EXPIRES_AT].to_str()?.to_owned();
        let left = humantime::parse_rfc3339(&expires)?.duration_since(start)?;
        assert!((1..=4).contains(&left.as_secs()), "{expires}");
    }
    eventually("both are gone", async || {
        for id in [&in_query, &in_body] {
            anyhow::ensure!(larder.get(id).await?.status() == StatusCode::NOT_FOUND, "{id} is still there");
        }
        Ok(())
    })
    .await?;
    assert!(start.elapsed()? >= Duration::from_secs(2), "nor did they go early");
    Ok(())
}

#[tokio::test]
async fn a_current_copy_is_not_sent_again() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let etag = larder.put(&id, "x").await?.etag();
    let modified = larder.get(&id).await?.headers()["last-modified"].clone();
    let status = async |name: &str, value: &str| -> anyhow::Result<StatusCode> {
        let response = larder.item(Method::GET, &id).header(name, value).send().await?;
        assert_eq!(response.headers()["etag"], etag.as_str());
        Ok(response.status())
    };
    assert_eq!(status("if-none-match", &etag).await?, StatusCode::NOT_MODIFIED);
    assert_eq!(status("if-none-match", &format!("\"other\", W/{etag}")).await?, StatusCode::NOT_MODIFIED);
    assert_eq!(status("if-none-match", "*").await?, StatusCode::NOT_MODIFIED);
    assert_eq!(status("if-none-match", "\"other\"").await?, StatusCode::OK);
    assert_eq!(status("if-modified-since", modified.to_str()?).await?, StatusCode::NOT_MODIFIED);
    assert_eq!(status("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT").await?, StatusCode::OK);
    Ok(())
}
