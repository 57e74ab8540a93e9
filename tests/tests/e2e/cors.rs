//! What browsers are told, and `OPTIONS`.

use larder_system::System;
use larder_tests::Larder;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::Tested;
use crate::access::entry;

const OURS: &str = "https://app.example";

/// The headers of the answer that have to do with origins.
fn of_origins(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-") || *name == "vary");
    ours.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect()
}

/// The names in a list.
fn names<'a>(headers: &'a HeaderMap, list: &str) -> Vec<&'a str> {
    let value = headers.get(list).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(", ").collect()
}

#[tokio::test]
async fn every_resource_tells_its_methods() -> Tested {
    let larder = Larder::start().await?;
    for (path, methods) in [
        ("/items", "GET, HEAD, POST, OPTIONS"),
        ("/items/a", "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"),
        ("/writes/1-1-1", "GET, HEAD, OPTIONS"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/health/ready", "GET, HEAD, OPTIONS"),
    ] {
        let response = larder.request(Method::OPTIONS, path).send().await?;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(response.headers()["allow"], methods, "{path}");
        assert!(response.bytes().await?.is_empty());
    }
    assert_eq!(larder.request(Method::OPTIONS, "/nowhere").send().await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn by_default_no_page_is_told_anything() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    for method in [Method::GET, Method::OPTIONS] {
        let request = larder.request(method, "/items/a").header("origin", OURS);
        let response = request.header("access-control-request-method", "PUT").send().await?;
        assert_eq!(of_origins(response.headers()), []);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_speak_to_the_store() -> Tested {
    let builder = System::builder()
        .variable("cors_origins", &format!("http://localhost:8080, {OURS}"))
        .variable("api_tokens", &json!([entry("t", "app", &["read", "write"])]).to_string());
    let Some(larder) = Larder::own(builder).await? else { return Ok(()) };

    let preflight = larder
        .request(Method::OPTIONS, "/items/a")
        .header("origin", OURS)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "authorization,larder-meta-author, larder-meta-x,x-other, bad name");
    let answer = preflight.send().await?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "without a token");
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], OURS);
    assert_eq!(headers["access-control-allow-methods"], headers["allow"]);
    assert_eq!(
        names(headers, "access-control-allow-headers"),
        [
            "authorization",
            "content-type",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "idempotency-key",
            "prefer",
            "larder-min-revision",
            "last-event-id",
            "traceparent",
            "tracestate",
            "larder-meta-author",
            "larder-meta-x"
        ]
    );
    assert_eq!(headers["access-control-max-age"], "7200");
    assert!(!headers.contains_key("access-control-allow-credentials"));

    for (method, token, status) in [
        (Method::PUT, "t", StatusCode::ACCEPTED),
        (Method::GET, "wrong", StatusCode::UNAUTHORIZED),
        (Method::TRACE, "t", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = larder.request(method, "/items/a").header("origin", OURS).bearer_auth(token).body("x");
        let answer = request.send().await?;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], OURS, "{status}");
        assert_eq!(answer.headers()["vary"], "origin", "{status}");
        let exposed = names(answer.headers(), "access-control-expose-headers");
        for header in ["etag", "larder-revision", "location", "retry-after", "www-authenticate", "allow"] {
            assert!(exposed.contains(&header), "{exposed:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn other_pages_are_told_nothing_but_that_it_depends() -> Tested {
    let Some(larder) = Larder::own(System::builder().variable("cors_origins", OURS)).await? else { return Ok(()) };
    for origin in ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null", ""] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = larder.request(method, "/items/a").header("origin", origin);
            let answer = request.header("access-control-request-method", "PUT").send().await?;
            assert_eq!(of_origins(answer.headers()), [("vary", "origin")], "{origin}");
        }
    }
    let answer = larder.request(Method::GET, "/items/a").send().await?;
    assert_eq!(of_origins(answer.headers()), [("vary", "origin")]);
    Ok(())
}

#[tokio::test]
async fn a_star_allows_every_page() -> Tested {
    let Some(larder) = Larder::own(System::builder().variable("cors_origins", "*")).await? else { return Ok(()) };
    let request = || larder.request(Method::OPTIONS, "/items/a").header("origin", "null");
    let preflight = request().header("access-control-request-method", "DELETE").send().await?;
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(names(preflight.headers(), "access-control-allow-methods").contains(&"DELETE"));
    let answer = larder.request(Method::GET, "/items/a").header("origin", OURS).send().await?;
    assert_eq!(
        (answer.status(), &answer.headers()["access-control-allow-origin"]),
        (StatusCode::NOT_FOUND, &"*".parse()?)
    );
    assert!(!answer.headers().contains_key("vary"), "it does not depend on the origin");
    Ok(())
}
