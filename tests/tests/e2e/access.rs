//! What a token allows, and what becomes of those without.

use std::time::{Duration, SystemTime};

use anyhow::ensure;
use larder_api::web::header;
use larder_protocol::token::{Digest, Scope};
use larder_protocol::{ItemId, Partition};
use larder_system::System;
use larder_tests::{Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::{Value, json};

use crate::Tested;

/// A store with these tokens; `None` where tests run against a deployment.
pub async fn with_tokens(entries: &Value) -> anyhow::Result<Option<Larder>> {
    Larder::own(System::builder().variable("api_tokens", &entries.to_string())).await
}

/// What is configured of `token`.
pub fn entry(token: &str, name: &str, scopes: &[&str]) -> Value {
    json!({"name": name, "digest": Digest::of(token).to_string(), "scopes": scopes})
}

/// Sends a request and checks how it is refused.
pub async fn assert_refused(request: RequestBuilder, status: StatusCode, kind: &str, says: &str) -> Tested {
    let response = request.send().await?;
    let url = response.url().clone();
    assert_eq!(response.status(), status, "{url}");
    let problem: Value = response.json().await?;
    assert_eq!(problem["type"], format!("urn:larder:problem:{kind}"), "{url}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{problem}");
    Ok(())
}

fn challenge(response: &Response) -> &str {
    response.headers().get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn each_scope_opens_its_resources_and_no_other() -> Tested {
    let of_each = Scope::ALL.map(|scope| entry(scope.name(), "one", &[scope.name()]));
    let Some(larder) = with_tokens(&json!(of_each)).await? else { return Ok(()) };
    let (read, write): (&[_], &[_]) = (&[Scope::Read], &[Scope::Write]);
    let list: &[_] = &[Scope::List];
    let (either, everybody): (&[_], &[_]) = (&[Scope::Write, Scope::Read], &[]);
    for (method, path, scopes) in [
        (Method::GET, "/items", list),
        (Method::HEAD, "/items?limit=1", list),
        (Method::POST, "/items", write),
        (Method::POST, "/items/get", read),
        (Method::GET, "/items/a", read),
        (Method::HEAD, "/items/a", read),
        (Method::PUT, "/items/a", write),
        (Method::POST, "/items/a", write),
        (Method::DELETE, "/items/a", write),
        (Method::GET, "/writes/1-1-1", either),
        (Method::HEAD, "/writes/1-1-1?id=a", either),
        (Method::GET, "/health/live", everybody),
        (Method::GET, "/health/ready", everybody),
        (Method::OPTIONS, "/items/a", everybody),
    ] {
        let of = format!("{method} {path}");
        let request = || larder.request(method.clone(), path).body("x");
        let nobody = request().send().await?;
        if scopes.is_empty() {
            assert!(nobody.status().is_success(), "{of}: {}", nobody.status());
        } else {
            assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{of}");
            assert_eq!(challenge(&nobody), "Bearer realm=\"larder\"", "{of}");
        }
        for scope in Scope::ALL {
            let response = request().bearer_auth(scope.name()).send().await?;
            if scopes.is_empty() || scopes.contains(&scope) {
                assert!(
                    ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&response.status()),
                    "{of} with {scope}"
                );
                continue;
            }
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{of} with {scope}");
            let missing = scopes.last().expect("it is not empty");
            let says = format!("Bearer realm=\"larder\", error=\"insufficient_scope\", scope=\"{missing}\"");
            assert_eq!(challenge(&response), says, "{of} with {scope}");
            if method != Method::HEAD {
                let problem: Value = response.json().await?;
                assert_eq!(problem["type"], "urn:larder:problem:insufficient-scope", "{of}");
                assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(missing.name())), "{problem}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_asks_is_settled_after_path_and_method_and_before_the_rest() -> Tested {
    let Some(larder) = with_tokens(&json!([entry("r", "reader", &["read"])])).await? else { return Ok(()) };
    let (not_found, not_allowed) = (StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED);
    assert_refused(larder.request(Method::GET, "/nowhere"), not_found, "no-such-path", "").await?;
    assert_refused(larder.request(Method::TRACE, "/items/a"), not_allowed, "method-not-allowed", "").await?;
    for path in ["/items/a?ttl=never", "/items/a?unknown"] {
        let nonsense = || larder.request(Method::PUT, path).header("if-match", "nonsense");
        assert_refused(nonsense(), StatusCode::UNAUTHORIZED, "unauthorized", "").await?;
        assert_refused(nonsense().bearer_auth("r"), StatusCode::FORBIDDEN, "insufficient-scope", "write").await?;
    }
    let waiting = larder.item(Method::PUT, &ItemId::new("a")?).header("prefer", "wait=5").body("x");
    assert_refused(waiting, StatusCode::UNAUTHORIZED, "unauthorized", "").await?;
    let read = larder.request(Method::GET, "/items/a").bearer_auth("r");
    assert_refused(read, not_found, "no-such-item", "").await
}

#[tokio::test]
async fn a_token_reaches_its_prefixes_only() -> Tested {
    let mut limited = entry("t", "ci", &["read", "write", "list"]);
    limited["prefixes"] = json!(["ci/", "x"]);
    let Some(larder) = with_tokens(&json!([limited])).await? else { return Ok(()) };
    let request = |method, path: &str| larder.request(method, path).body("v").bearer_auth("t");
    let forbidden = StatusCode::FORBIDDEN;
    for (path, inside) in [
        ("/items/ci/a", true),
        ("/items/ci%2fa", true),
        ("/items/xy", true),
        ("/items/ci", false),
        ("/items/c", false),
        ("/items/a/ci/", false),
        ("/items/CI/a", false),
    ] {
        for method in [Method::PUT, Method::POST, Method::DELETE, Method::GET] {
            if inside {
                let status = request(method, path).send().await?.status();
                assert!(status.is_success() || status == StatusCode::NOT_FOUND, "{path}: {status}");
            } else {
                assert_refused(request(method, path), forbidden, "outside-prefix", "\"ci/\" or \"x\"").await?;
            }
        }
    }
    let written: Value = request(Method::PUT, "/items/ci/b").send().await?.json().await?;
    let revision = written["revision"].as_str().unwrap_or_default();
    assert_eq!(request(Method::GET, "/items?prefix=ci/").send().await?.status(), StatusCode::OK);
    for path in ["/items", "/items?prefix=c", "/items?prefix=a"] {
        assert_refused(request(Method::GET, path), forbidden, "outside-prefix", "ci/").await?;
    }
    for (path, parts) in [
        ("/items", json!([{"op": "put", "id": "a", "value": 1}, {"op": "put", "id": "x", "value": 1}])),
        ("/items/get", json!(["a", "ci/b"])),
    ] {
        let answer = larder.request(Method::POST, path).json(&parts).bearer_auth("t").send().await?;
        let results: Value = answer.json().await?;
        assert_eq!(results[0]["problem"]["type"], "urn:larder:problem:outside-prefix", "{results}");
        assert!(results[1].get("problem").is_none_or(|problem| problem["status"] == 404), "{results}");
    }
    let outcome = |id: &str| request(Method::GET, &format!("/writes/{revision}?id={id}"));
    assert_eq!(outcome("ci/b").send().await?.status(), StatusCode::OK);
    assert_refused(outcome("a"), forbidden, "outside-prefix", "ci/").await?;
    let of_any = request(Method::GET, &format!("/writes/{revision}"));
    assert_refused(of_any, forbidden, "outside-prefix", "ci/").await
}

#[tokio::test]
async fn a_write_is_told_to_who_reaches_its_item_only() -> Tested {
    let mut limited = entry("t", "ci", &["read"]);
    limited["prefixes"] = json!(["ci/"]);
    let tokens = json!([limited, entry("all", "all", &["read", "write"])]);
    let Some(mut larder) = with_tokens(&tokens).await? else { return Ok(()) };
    let id = ItemId::new("secret")?;
    let same_partition = |other: &ItemId| Partition::of(other) == Partition::of(&id);
    let reached = (0..).filter_map(|n| ItemId::new(format!("ci/{n}")).ok()).find(same_partition).expect("ids are many");

    let mut system = larder.take_system();
    system.workers[0].pause()?;
    let write = || larder.item(Method::PUT, &id).body("v").bearer_auth("all");
    let pending: Value = write().send().await?.json().await?;
    let never: Value = write().header("if-match", "\"0-0-0\"").send().await?.json().await?;
    let ask = |write: &Value, id: &ItemId, token| {
        let revision = write["revision"].as_str().unwrap_or_default();
        larder.request(Method::GET, &format!("/writes/{revision}?id={}", id.to_path())).bearer_auth(token)
    };
    let not_found = StatusCode::NOT_FOUND;
    assert_refused(ask(&pending, &reached, "t"), not_found, "no-such-write", "another item").await?;
    assert_eq!(ask(&pending, &id, "all").send().await?.json::<Value>().await?["outcome"], "pending");
    system.workers[0].resume()?;
    eventually("it is rejected", async || {
        let told: Value = ask(&never, &id, "all").send().await?.json().await?;
        ensure!(told["outcome"] == "rejected", "{told}");
        Ok(())
    })
    .await?;
    assert_refused(ask(&never, &reached, "t"), not_found, "no-such-write", "another item").await
}

#[tokio::test]
async fn an_invalid_token_is_401_and_all_of_them_look_the_same() -> Tested {
    let mut old = entry("old", "ci", &["read"]);
    old["expires"] = json!("2001-01-01T00:00:00Z");
    let token = "larder_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let Some(larder) = with_tokens(&json!([entry(token, "ci", &["read"]), old])).await? else { return Ok(()) };
    let request = || larder.request(Method::GET, "/items/a");
    let mut answers = vec![];
    let digest = Digest::of(token).to_string();
    for wrong in ["x", &token[..token.len() - 1], &token.replace('A', "a"), &format!("{token}A"), &digest, "ci"] {
        let response = request().bearer_auth(wrong).send().await?;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(challenge(&response), "Bearer realm=\"larder\", error=\"invalid_token\"", "{wrong}");
        let mut headers = response.headers().clone();
        headers.remove("date");
        answers.push((headers, response.text().await?));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    let unauthorized = StatusCode::UNAUTHORIZED;
    assert_refused(request().bearer_auth("old"), unauthorized, "unauthorized", "expired").await?;
    assert_refused(request().bearer_auth("older"), unauthorized, "unauthorized", "not valid").await?;
    assert_refused(request().basic_auth("ci", Some(token)), unauthorized, "unauthorized", "Bearer <token>").await?;
    let twice = request().header("authorization", format!("Bearer {token}")).header("authorization", "Bearer x");
    assert_refused(twice, unauthorized, "unauthorized", "more than one").await?;
    let right = request().header("authorization", format!("bearer {token}"));
    assert_refused(right, StatusCode::NOT_FOUND, "no-such-item", "").await
}

#[tokio::test]
async fn a_token_expires_at_its_moment() -> Tested {
    let expires = SystemTime::now() + Duration::from_secs(4);
    let mut brief = entry("t", "ci", &["read"]);
    brief["expires"] = json!(humantime::format_rfc3339_seconds(expires).to_string());
    let expires = humantime::parse_rfc3339(brief["expires"].as_str().unwrap_or_default())?;
    let Some(larder) = with_tokens(&json!([brief])).await? else { return Ok(()) };
    eventually("it has expired", async || {
        let before = SystemTime::now();
        let status = larder.request(Method::GET, "/items/a").bearer_auth("t").send().await?.status();
        assert!(status != StatusCode::NOT_FOUND || before < expires, "good for too long");
        assert!(status != StatusCode::UNAUTHORIZED || SystemTime::now() >= expires, "not good for long enough");
        anyhow::ensure!(status == StatusCode::UNAUTHORIZED, "{status}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_the_name_of_the_token() -> Tested {
    let tokens = [("old", "ci"), ("new", "ci"), ("theirs", "cd")];
    let entries = tokens.map(|(token, name)| entry(token, name, &["write"]));
    let Some(larder) = with_tokens(&json!(entries)).await? else { return Ok(()) };
    let put = async |token: &str, value: &str| -> anyhow::Result<(StatusCode, Value)> {
        let request = larder.request(Method::PUT, "/items/a").header(header::IDEMPOTENCY_KEY, "\"k\"");
        let response = request.bearer_auth(token).body(value.to_owned()).send().await?;
        Ok((response.status(), response.json().await?))
    };
    let (status, first) = put("old", "one").await?;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, repeated) = put("new", "one").await?;
    assert_eq!((status, &repeated["revision"]), (StatusCode::ACCEPTED, &first["revision"]), "rotated");
    assert_eq!(put("new", "two").await?.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, other) = put("theirs", "two").await?;
    assert_eq!(status, StatusCode::ACCEPTED, "another's key is another key");
    assert_ne!(other["revision"], first["revision"]);
    Ok(())
}

#[tokio::test]
async fn a_stranger_learns_of_readiness_only_yes_or_no() -> Tested {
    let entries = json!([entry("a", "operator", &["admin"]), entry("rwl", "ci", &["read", "write", "list"])]);
    let Some(mut larder) = with_tokens(&entries).await? else { return Ok(()) };
    let ready = |larder: &Larder, token: Option<&str>| match token {
        None => larder.request(Method::GET, "/health/ready"),
        Some(token) => larder.request(Method::GET, "/health/ready").bearer_auth(token),
    };
    for token in [None, Some("wrong"), Some("rwl"), Some("a")] {
        let response = ready(&larder, token).send().await?;
        assert_eq!(response.json::<Value>().await?, json!({"status": "ready"}), "{token:?}");
    }
    larder.system().workers[0].kill().await?;
    let not_ready = StatusCode::SERVICE_UNAVAILABLE;
    eventually("it is not ready", async || {
        anyhow::ensure!(ready(&larder, None).send().await?.status() == not_ready);
        Ok(())
    })
    .await?;
    for token in [None, Some("wrong"), Some("rwl")] {
        let response = ready(&larder, token).send().await?;
        assert_eq!(response.status(), not_ready);
        let problem: Value = response.json().await?;
        assert_eq!(problem["type"], "urn:larder:problem:not-ready");
        assert!(!problem.to_string().contains("worker"), "{problem}");
    }
    assert_refused(ready(&larder, Some("a")), not_ready, "not-ready", "workers: none has reported").await
}
