//! How tokens are made and configured.

use std::process::{Command, Output};

use larder_protocol::token::Digest;
use larder_system::{ApiProcess, ApiSettings, Port, Runtime, System, Wasi, built};
use larder_tests::{Larder, eventually, http};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Tested;
use crate::access::{assert_refused, entry, with_tokens};

fn token_new(arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(built("larder-worker")?);
    // It must not need a Redis.
    command.env("LARDER_REDIS", "redis://127.0.0.1:1").args(["token", "new"]).args(arguments);
    Ok(command.output()?)
}

#[tokio::test]
async fn what_the_worker_makes_opens_the_store() -> Tested {
    let made = token_new(&["--name", "ci", "--scope", "write", "--prefix", "ci/", "--days", "1", "--json"])?;
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let token = made["token"].as_str().unwrap_or_default();
    let Some(larder) = with_tokens(&json!([made["entry"]])).await? else { return Ok(()) };
    let put = |path: &str| larder.request(Method::PUT, path).body("x").bearer_auth(token);
    assert_eq!(put("/items/ci/a").send().await?.status(), StatusCode::ACCEPTED);
    assert_refused(put("/items/a"), StatusCode::FORBIDDEN, "outside-prefix", "\"ci/\"").await
}

#[test]
fn for_people_it_prints_the_token_once_and_the_entry() -> Tested {
    let made = token_new(&["--name", "ci", "--scope", "read", "--scope", "list"])?;
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    let text = String::from_utf8(made.stdout)?;
    let word = |start: &str| text.split_whitespace().filter(|word| word.starts_with(start)).collect::<Vec<_>>();
    let (tokens, entries) = (word("larder_"), word("{"));
    let [[token], [made]] = [&tokens[..], &entries[..]] else { panic!("{text}") };
    assert_eq!(serde_json::from_str::<Value>(made)?, entry(token, "ci", &["read", "list"]));

    let refused = token_new(&["--name", "ci", "--scope", "all"])?;
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(refused.stderr)?.contains("read, write, list or admin"));
    Ok(())
}

#[tokio::test]
async fn a_malformed_configuration_answers_500_and_tells_nothing_of_it() -> Tested {
    let digest = Digest::of("s3cret").to_string();
    let valid = format!(r#"{{"name":"ci","digest":"{digest}","scopes":["read"]}}"#);
    for (name, value, says) in [
        ("api_tokens", "larder_s3cret".to_owned(), "api_tokens: it must be a JSON array of entries"),
        ("api_tokens", "[]".to_owned(), "api_tokens: it has no entry; for an open store leave the variable empty"),
        ("api_tokens", valid.clone(), "api_tokens: it must be a JSON array of entries"),
        ("api_tokens", format!("[{valid},{valid}]"), "api_tokens: the entries 1 and 2 have the same digest"),
        (
            "api_tokens",
            format!(r#"[{valid},{{"name":"cd","digest":"larder_s3cret","scopes":["read"]}}]"#),
            "api_tokens: entry 2: digest must be 64 hexadecimal digits",
        ),
        ("cors_origins", "https://app.example/".to_owned(), "cors_origins: \"https://app.example/\" is no origin"),
    ] {
        let (port, folder) = (Port::reserve()?, TempDir::new()?);
        let log = larder_system::Output::File(folder.path().join("log"));
        let settings = ApiSettings::new(
            Runtime::from_env()?,
            Wasi::from_env()?,
            port.address(),
            "redis://127.0.0.1:1",
            log.clone(),
        );
        let _api = ApiProcess::start(settings.variable(name, &value))?;
        let client = http();
        let url = |path: &str| format!("http://{}{path}", port.address());
        eventually("it answers", async || Ok(client.get(url("/health/live")).send().await?)).await?;
        for (method, path) in [
            (Method::GET, "/items/a"),
            (Method::PUT, "/items/a"),
            (Method::OPTIONS, "/items/a"),
            (Method::GET, "/health/live"),
            (Method::GET, "/health/ready"),
            (Method::GET, "/nowhere"),
        ] {
            let response = client.request(method, url(path)).bearer_auth("s3cret").body("x").send().await?;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path} {value}");
            let body = response.text().await?;
            assert!(body.contains("urn:larder:problem:misconfigured"), "{body}");
            assert!(!body.contains("s3cret") && !body.contains(name), "{body}");
        }
        let log = log.text();
        assert!(log.contains(says), "{log}");
        assert!(!log.contains("s3cret") && !log.contains(&digest), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn an_open_store_is_said_once_at_the_start() -> Tested {
    let Some(mut open) = Larder::own(System::builder()).await? else { return Ok(()) };
    let Some(mut closed) = with_tokens(&json!([entry("t", "ci", &["read"])])).await? else { return Ok(()) };
    if Runtime::from_env()? == Runtime::Spin {
        eprintln!("skipped: Spin does not know what an empty variable means");
        return Ok(());
    }
    for _ in 0..3 {
        open.request(Method::GET, "/items/a").bearer_auth("of no meaning here").send().await?;
        closed.request(Method::GET, "/items/a").send().await?;
    }
    let said = |larder: &mut Larder| larder.system().logs().matches("there are no access tokens").count();
    assert_eq!((said(&mut open), said(&mut closed)), (1, 0));
    Ok(())
}
