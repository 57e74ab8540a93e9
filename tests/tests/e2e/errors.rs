//! Every error is a problem document that says what would be right, and writes nothing.

use larder_protocol::limits::{MAX_HEADER_BYTES, MAX_TARGET_BYTES};
use larder_tests::Larder;
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Tested;

/// Checks the form of a problem document, and that its detail says `hint`.
async fn assert_problem(response: Response, status: StatusCode, kind: &str, hint: &str) -> Tested {
    let url = response.url().clone();
    assert_eq!(response.status(), status, "{url}");
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{url}");
    assert_eq!(response.headers()["cache-control"], "no-store", "{url}");
    let problem: Value = response.json().await?;
    assert_eq!(problem["type"], format!("urn:larder:problem:{kind}"), "{problem}");
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    assert!(problem["title"].as_str().is_some_and(|t| !t.is_empty()), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains(hint)), "{problem} does not say {hint}");
    Ok(())
}

async fn assert_refused(request: RequestBuilder, status: StatusCode, kind: &str, hint: &str) -> Tested {
    assert_problem(request.send().await?, status, kind, hint).await
}

#[tokio::test]
async fn unknown_paths_are_404() -> Tested {
    let larder = Larder::start().await?;
    for path in ["/", "/item/a", "/itemsx", "/health", "/healthz", "/writes"] {
        let request = larder.request(Method::GET, path);
        assert_refused(request, StatusCode::NOT_FOUND, "no-such-path", "/items/{id}").await?;
    }
    Ok(())
}

#[tokio::test]
async fn other_methods_are_405_and_the_right_ones_are_listed() -> Tested {
    let larder = Larder::start().await?;
    let of_item = "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS";
    let of_others = "GET, HEAD, OPTIONS";
    for (method, path, allowed) in [
        (Method::TRACE, "/items/a", of_item),
        (Method::PUT, "/health/live", of_others),
        (Method::POST, "/health/ready", of_others),
        (Method::DELETE, "/writes/1-1-1", of_others),
    ] {
        let response = larder.request(method, path).send().await?;
        assert_eq!(response.headers()["allow"], allowed);
        assert_problem(response, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", allowed).await?;
    }
    Ok(())
}

#[tokio::test]
async fn bad_ids_are_400() -> Tested {
    let larder = Larder::start().await?;
    for (path, hint) in
        [("/items/", "empty"), ("/items/a%00b", "U+0000"), ("/items/a%7f", "U+007F"), ("/items/%ff%fe", "UTF-8")]
    {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
            assert_refused(larder.request(method, path), StatusCode::BAD_REQUEST, "invalid-id", hint).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn bad_queries_are_400_and_named() -> Tested {
    let larder = Larder::start().await?;
    for (method, query, hint) in [
        (Method::PUT, "ttl=0", "\"0\" must be a whole number of seconds"),
        (Method::PUT, "ttl=-5", "\"-5\""),
        (Method::PUT, "ttl=1h", "\"1h\""),
        (Method::PUT, "ttl=", "\"\""),
        (Method::PUT, "ttl=99999999999", "99999999999"),
        (Method::PUT, "ttl=1&ttl=2", "\"ttl\" is given more than once"),
        (Method::PUT, "tll=1", "\"tll\" is not known here; known are: ttl"),
        (Method::GET, "ttl=1", "\"ttl\" is not known here"),
        (Method::DELETE, "force", "\"force\" is not known here"),
    ] {
        let request = larder.request(method, &format!("/items/a?{query}")).body("x");
        assert_refused(request, StatusCode::BAD_REQUEST, "invalid-query", hint).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_without_a_value() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let kept = larder.put(&id, "kept").await?.etag();
    let json =
        |body: &str| larder.item(Method::POST, &id).header("content-type", "application/json").body(body.to_owned());
    let text = |method| larder.item(method, &id).header("content-type", "text/plain");

    for body in ["{}", r#"{"value":null}"#, r#"{"value":""}"#, r#"{"ttl":5}"#] {
        assert_refused(json(body), StatusCode::UNPROCESSABLE_ENTITY, "no-value", "value").await?;
    }
    for (body, hint) in [
        ("", "EOF"),
        ("{\"value\":", "EOF"),
        ("[1]", "must look like"),
        (r#"{"value":1,"vlaue":2}"#, "`vlaue`"),
        (r#"{"value":1,"ttl":-1}"#, "-1"),
        (r#"{"value":1,"ttl":0}"#, "ttl must be from 1"),
    ] {
        assert_refused(json(body), StatusCode::BAD_REQUEST, "invalid-envelope", hint).await?;
    }
    let twice = larder.request(Method::POST, &format!("/items/{}?ttl=5", id.to_path()));
    assert_refused(
        twice.json(&json!({"value": 1, "ttl": 5})),
        StatusCode::BAD_REQUEST,
        "invalid-envelope",
        "in one of them",
    )
    .await?;
    for method in [Method::PUT, Method::POST] {
        assert_refused(text(method), StatusCode::BAD_REQUEST, "empty-value", "DELETE").await?;
    }
    for content_type in ["text", "text plain", "/", "text/plain, text/html"] {
        let request = larder.item(Method::PUT, &id).header("content-type", content_type).body("x");
        assert_refused(request, StatusCode::BAD_REQUEST, "invalid-content-type", "text/plain; charset=utf-8").await?;
    }
    assert_eq!(larder.get(&id).await?.headers()["etag"], kept.as_str());
    Ok(())
}

/// Sends bytes as they are, and answers all that comes back until the server closes.
async fn send_raw(larder: &Larder, request: &[u8]) -> anyhow::Result<String> {
    let mut stream = larder.connect().await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    // A server may reset a connection whose rest it does not want.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_body_that_ends_early_writes_nothing() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let head = larder.raw_head(&Method::PUT, &id);
    for rest in ["content-length: 10\r\n\r\nhalf", "transfer-encoding: chunked\r\n\r\n5\r\nab"] {
        let mut stream = larder.connect().await?;
        stream.write_all(format!("{head}{rest}").as_bytes()).await?;
        drop(stream);
    }
    larder.put(&larder.id("b"), "the service goes on").await?;
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn chunked_bodies_and_expectations_are_served() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let head = larder.raw_head(&Method::PUT, &id);
    let chunks = format!("{head}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let answer = send_raw(&larder, chunks.as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let answer =
        send_raw(&larder, format!("{head}expect: 100-continue\r\ncontent-length: 2\r\n\r\nhi").as_bytes()).await?;
    assert!(answer.contains("HTTP/1.1 202"), "{answer}");
    let too_large = format!("{head}expect: 100-continue\r\ncontent-length: 999999999\r\n\r\n");
    let answer = send_raw(&larder, too_large.as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() -> Tested {
    let larder = Larder::start().await?;
    let long = format!("/items/a?ttl={}", "1".repeat(MAX_TARGET_BYTES));
    let request = larder.request(Method::PUT, &long).body("x");
    assert_refused(request, StatusCode::URI_TOO_LONG, "target-too-long", "8192 bytes").await?;
    let request =
        larder.request(Method::GET, "/items/a").header("if-none-match", "\"x\",".repeat(MAX_HEADER_BYTES / 4));
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_refused(request, status, "headers-too-large", "32768 bytes").await
}

/// A client that sends its whole body before it listens must not find a reset connection.
#[tokio::test]
async fn a_refusal_waits_for_the_body() -> Tested {
    let larder = Larder::start().await?;
    for _ in 0..10 {
        let request = larder.request(Method::PUT, "/items/a?unknown").body("x".repeat(1_000_000));
        assert_refused(request, StatusCode::BAD_REQUEST, "invalid-query", "unknown").await?;
    }
    Ok(())
}

/// What a client asks for in vain does no harm.
#[tokio::test]
async fn absurd_headers_are_ignored() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    larder.put(&id, "Hello").await?;
    for (name, value) in [
        ("range", "bytes=5-1,-9999999999999999999999,x-"),
        ("range", "lines=1-2"),
        ("accept", ";;q=,*/*;q=nan,="),
        ("accept", "image/png;q=0, application/x-ndjson;q=1e99"),
        ("accept-encoding", "gzip;q=-1, identity;q=0"),
        ("prefer", "wait=99999999999999999999, wait=-1, return=\""),
        ("if-modified-since", "yesterday"),
        ("te", "trailers, deflate"),
    ] {
        let response = larder.item(Method::GET, &id).header(name, value).send().await?;
        assert_eq!(response.status(), StatusCode::OK, "{name}: {value:?}");
        assert_eq!(response.text().await?, "Hello", "{name}: {value:?}");
        let listed = larder.request(Method::GET, "/items?limit=1").header(name, value).send().await?;
        assert_eq!(listed.status(), StatusCode::OK, "{name}: {value:?}");
    }
    Ok(())
}
