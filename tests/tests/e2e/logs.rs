//! What the logs tell, and what they never do.

use std::path::Path;

use anyhow::{Context as _, ensure};
use larder_protocol::keys;
use larder_system::{Output, Runtime, System, WorkerProcess};
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;
use crate::access::entry;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// The lines of the component that are objects: what the runtime itself logs is between them.
fn lines(output: &Output) -> Vec<Value> {
    output.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn a_refusal_is_a_line_with_its_trace_and_a_success_is_none() -> Tested {
    let tokens = json!([entry("s3cret", "ci", &["read"])]).to_string();
    let builder = System::builder().variable("log_format", "json").variable("api_tokens", &tokens);
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let output = larder.system().api.output().clone();
    let get = larder.request(Method::GET, "/items/a").bearer_auth("s3cret").send().await?;
    assert_eq!(get.status(), StatusCode::NOT_FOUND);
    assert!(get.headers()["server-timing"].to_str()?.starts_with("redis;dur="), "{get:?}");
    let put = larder.request(Method::PUT, "/items/a\u{7f}").header("traceparent", TRACEPARENT).body("x");
    assert_eq!(put.bearer_auth("s3cret").send().await?.status(), StatusCode::BAD_REQUEST);
    let put = larder.request(Method::PUT, "/items/a").header("traceparent", TRACEPARENT).body("x");
    let put = put.bearer_auth("s3cret").send().await?;
    assert_eq!(put.status(), StatusCode::FORBIDDEN);
    assert_eq!(put.headers().get("server-timing"), None, "Redis was not asked");

    let refusals = eventually("the refusals are logged", async || {
        let refusals: Vec<_> = lines(&output).into_iter().filter(|line| line["message"] == "refused").collect();
        ensure!(refusals.len() == 2, "{refusals:?}");
        Ok(refusals)
    });
    let refusals = refusals.await?;
    assert_eq!((&refusals[0]["problem"], &refusals[0]["path"]), (&json!("invalid-id"), &json!("/items/a%7F")));
    let line = &refusals[1];
    let told = ["level", "method", "path", "status", "problem", "token", "trace_id"].map(|name| line[name].clone());
    let expected = ["INFO", "PUT", "/items/a", "403", "insufficient-scope", "ci", TRACE].map(Value::from);
    assert_eq!(told.map(|value| value.as_str().map_or_else(|| json!(value.to_string()), Value::from)), expected);
    assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    let answers: Vec<_> = lines(&output).into_iter().filter(|line| line["message"] == "answered").collect();
    assert!(answers.is_empty(), "{answers:?}");
    Ok(())
}

#[tokio::test]
async fn the_access_log_tells_of_every_request() -> Tested {
    let builder = System::builder().variable("log_format", "json").variable("access_log", "true");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let output = larder.system().api.output().clone();
    let put = larder.request(Method::PUT, "/items/a").header("prefer", "wait=10").body("x").send().await?;
    let timing = put.headers()["server-timing"].to_str()?.to_owned();
    assert!(timing.starts_with("redis;dur=") && timing.contains(", wait;dur="), "{timing}");
    assert_eq!(larder.request(Method::GET, "/items/b").send().await?.status(), StatusCode::NOT_FOUND);
    eventually("both are logged", async || {
        let lines = lines(&output);
        let of = |method: &str, status: u64| {
            lines.iter().find(|line| line["method"] == method && line["status"] == status).cloned()
        };
        let (put, get) = (of("PUT", 201).context("no PUT")?, of("GET", 404).context("no GET")?);
        ensure!(put["message"] == "answered" && get["message"] == "answered", "{put} {get}");
        ensure!(put["duration_ms"].is_number() && put["redis_ms"].is_number() && put["wait_ms"].is_number(), "{put}");
        ensure!(get["problem"] == "no-such-item", "{get}");
        Ok(())
    })
    .await
}

/// All logs below a folder.
fn everything(folder: &Path) -> anyhow::Result<String> {
    let mut all = String::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.is_dir() {
            all.push_str(&everything(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
        }
    }
    Ok(all)
}

/// Each of these is planted where its kind belongs, in a run with all that can be refused or fail, and with logs
/// that tell as much as they can.
#[tokio::test]
async fn no_log_ever_tells_a_value_a_token_or_a_password() -> Tested {
    const VALUE: &str = "planted-value";
    const TOKEN: &str = "planted-token";
    const WRONG_TOKEN: &str = "planted-wrong-token";
    const PASSWORD: &str = "planted-password";
    let tokens = json!([entry(TOKEN, "ci", &["read", "write", "list"])]).to_string();
    let user = format!("larder on >{PASSWORD} ~* &* +@all");
    let mut builder = System::builder()
        .redis_args(&[&["--user"], &user.split(' ').collect::<Vec<_>>()[..]].concat())
        .variable("redis_username", "larder")
        .variable("redis_password", PASSWORD)
        .variable("api_tokens", &tokens)
        .variable("access_log", "true");
    if Runtime::from_env()? == Runtime::Builtin {
        builder = builder.api_env("RUST_LOG", "debug");
    }
    let builder = builder.worker_env("LARDER_LOG", "debug").worker_env("LARDER_LOG_FORMAT", "json");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let url = larder.system().redis.url().replace("redis://", &format!("redis://larder:{PASSWORD}@"));
    let logs = tempfile::TempDir::new()?;
    let output = Output::File(logs.path().join("second-worker.log"));
    let told = [("LARDER_LOG", "debug"), ("LARDER_LOG_FORMAT", "json")];
    let second = WorkerProcess::start(&url, &told, &[], output)?;
    eventually("the second worker works", async || {
        ensure!(second.output().text().contains("subscribed"), "{}", second.output().text());
        Ok(())
    })
    .await?;
    let send = async |method: Method, path: &str, headers: &[(&str, &str)], body: String| -> anyhow::Result<u16> {
        let mut request = larder.request(method, path).bearer_auth(TOKEN).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.send().await?.status().as_u16())
    };
    let (json, wait) = (("content-type", "application/json"), ("prefer", "wait=10"));
    let value = || VALUE.to_owned();
    assert_eq!(send(Method::PUT, "/items/a", &[wait], value()).await?, 201);
    assert_eq!(send(Method::PUT, "/items/a", &[wait, ("if-none-match", "*")], value()).await?, 412);
    assert_eq!(send(Method::GET, "/items/a", &[], String::new()).await?, 200);
    assert_eq!(send(Method::POST, "/items/a?op=increment", &[wait], String::new()).await?, 409);
    for body in
        [format!("{{\"value\": \"x\", \"ttl\": \"{VALUE}\"}}"), format!("[\"{VALUE}\""), format!("{{\"{VALUE}\": 1}}")]
    {
        assert_eq!(send(Method::POST, "/items/b", &[json], body).await?, 400);
    }
    let operations =
        format!("[{{\"op\": \"{VALUE}\", \"id\": \"c\"}}, {{\"op\": \"put\", \"id\": \"c\", \"value\": \"{VALUE}\"}}]");
    assert_eq!(send(Method::POST, "/items", &[json], operations).await?, 200);
    let patch = format!("[{{\"op\": \"{VALUE}\", \"path\": \"/a\"}}]");
    assert_eq!(send(Method::PATCH, "/items/a", &[("content-type", "application/json-patch+json")], patch).await?, 400);
    assert_eq!(send(Method::PUT, "/items/d", &[("larder-meta-x", "\u{e9}")], value()).await?, 400);
    for authorization in [format!("Bearer {WRONG_TOKEN}"), format!("Basic {WRONG_TOKEN}"), WRONG_TOKEN.to_owned()] {
        let request = larder.request(Method::GET, "/items/a").header("authorization", authorization);
        assert_eq!(request.send().await?.status(), StatusCode::UNAUTHORIZED);
    }

    // A write that can never be applied, an item that is none, and a Redis that goes away.
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let (dead, none) = (larder.id("dead"), larder.id("none"));
    redis.command::<u64>(&["SADD", &keys::item(&dead), VALUE]).await?;
    redis.command::<String>(&["SET", &keys::item(&none), VALUE]).await?;
    let put = larder.item(Method::PUT, &dead).header("traceparent", TRACEPARENT).header("prefer", "wait=10");
    assert_eq!(put.bearer_auth(TOKEN).body(VALUE).send().await?.status(), StatusCode::INTERNAL_SERVER_ERROR);
    // Either of the workers may have committed it, and tells of it once it has Redis' reply.
    let outputs = [larder.system().workers[0].output().clone(), second.output().clone()];
    let buried = eventually("the dead letter is told", async || {
        let logs = outputs.each_ref().map(Output::text).concat();
        let line = logs.lines().find(|line| line.contains("dead letters")).context("it is not told")?;
        Ok(serde_json::from_str::<Value>(line)?)
    });
    assert_eq!(buried.await?["trace_id"], TRACE);
    let get = larder.item(Method::GET, &none).bearer_auth(TOKEN).send().await?;
    assert_eq!(get.status(), StatusCode::INTERNAL_SERVER_ERROR);
    larder.system().redis.kill().await?;
    let put = larder.item(Method::PUT, &dead).bearer_auth(TOKEN).body(VALUE).send().await?;
    assert_eq!(put.status(), StatusCode::SERVICE_UNAVAILABLE);
    let output = larder.system().workers[0].output().clone();
    eventually("the worker has noticed", async || {
        let log = output.text();
        ensure!(log.contains("unreachable"), "{log}");
        Ok(())
    })
    .await?;
    let everything = [everything(larder.system().data().path())?, second.output().text()].concat();
    assert!(everything.contains("insufficient") || everything.contains("unauthorized"), "{everything}");
    for secret in [VALUE, TOKEN, WRONG_TOKEN, PASSWORD] {
        let line = everything.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    Ok(())
}
