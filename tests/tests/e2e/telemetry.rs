//! Traces and figures, as a collector gets them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use larder_system::{Exited, Runtime, System, SystemBuilder};
use larder_tests::{Collector, Larder, Span, eventually};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::Tested;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn traceparent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{CALLER}-{flags}")
}

/// A system that tells a collector everything at once.
fn telling(endpoint: &str) -> SystemBuilder {
    let soon = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let builder = System::builder().api_env("OTEL_METRIC_EXPORT_INTERVAL", "100");
    soon.into_iter().fold(builder, |builder, (name, value)| builder.api_env(name, value).worker_env(name, value))
}

/// Whether what tells is ours: Spin gives its spans other names, and hands none to the component.
fn is_builtin() -> anyhow::Result<bool> {
    Ok(Runtime::from_env()? == Runtime::Builtin)
}

/// The span of this service whose name starts so, once it is there.
async fn span(collector: &Collector, trace: Option<&str>, service: &str, name: &str) -> anyhow::Result<Span> {
    eventually("the span arrives", async || {
        let spans = collector.spans(trace);
        let found = spans.iter().find(|span| span.service == service && span.name.starts_with(name));
        found.cloned().with_context(|| format!("no {name} of {service} among {spans:#?}"))
    })
    .await
}

#[tokio::test]
async fn one_trace_shows_the_request_the_redis_call_and_the_commit() -> Tested {
    let collector = Collector::start().await?;
    let Some(larder) = Larder::own(telling(&collector.endpoint())).await? else { return Ok(()) };
    let id = larder.id("a");
    let put = |traceparent: String| larder.item(Method::PUT, &id).header("traceparent", traceparent).body("s3cret");

    let unrecorded = TRACE.replace('4', "5");
    let answer = put(traceparent(&unrecorded, "00")).header("prefer", "wait=10").send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    let answer = put(traceparent(TRACE, "01")).header("prefer", "wait=10").send().await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    let revision = answer.headers()["larder-revision"].to_str()?.to_owned();

    let write = span(&collector, Some(TRACE), "larder-worker", "write").await?;
    assert_eq!(write.attribute("larder.revision"), Some(revision.as_str()));
    assert_eq!(write.attribute("larder.outcome"), Some("replaced"));
    assert!(write.time.0 <= write.time.1, "{write:?}");
    let commit = span(&collector, None, "larder-worker", "commit").await?;
    assert_ne!(commit.trace, TRACE, "a commit is of many traces");
    assert_eq!((&write.links[..], commit.attribute("larder.applied")), (&[commit.id.clone()][..], Some("1")));
    if is_builtin()? {
        let request = span(&collector, Some(TRACE), "larder-local", "PUT /items/...").await?;
        let command = span(&collector, Some(TRACE), "larder-local", "EVALSHA").await?;
        assert_eq!((request.parent.as_str(), &command.parent, &write.parent), (CALLER, &request.id, &request.id));
        assert_eq!(commit.links, [request.id.as_str()]);
        assert!(request.time.0 <= command.time.0 && command.time.1 <= request.time.1, "{request:?} {command:?}");
    } else {
        assert_eq!((write.parent.as_str(), &commit.links[..]), (CALLER, &[CALLER.to_owned()][..]));
    }
    let all = collector.spans(None);
    assert!(all.iter().all(|span| span.trace != unrecorded), "{all:#?}");
    assert!(!format!("{all:?}").contains("s3cret"), "{all:#?}");
    Ok(())
}

#[tokio::test]
async fn each_write_of_a_bulk_request_is_in_its_trace() -> Tested {
    let collector = Collector::start().await?;
    let Some(larder) = Larder::own(telling(&collector.endpoint())).await? else { return Ok(()) };
    let operations: Vec<_> =
        (0..3).map(|n| json!({"op": "put", "id": larder.id(&n.to_string()).as_str(), "value": n})).collect();
    let request = larder.request(Method::POST, "/items").header("traceparent", traceparent(TRACE, "01"));
    ensure!(request.json(&operations).send().await?.status() == StatusCode::OK);
    eventually("all are told of", async || {
        let spans = collector.spans(Some(TRACE));
        let writes = spans.iter().filter(|span| span.name == "write").count();
        ensure!(writes == 3, "{spans:#?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_request_without_a_trace_gets_one_and_its_figures_are_told() -> Tested {
    let collector = Collector::start().await?;
    let Some(larder) = Larder::own(telling(&collector.endpoint())).await? else { return Ok(()) };
    if !is_builtin()? {
        eprintln!("skipped: Spin hands the trace that it begins to no component, and has figures of its own");
        return Ok(());
    }
    let id = larder.id("a");
    larder.put(&id, "x").await?;
    let request = span(&collector, None, "larder-local", "PUT /items/...").await?;
    assert_eq!(request.parent, "");
    span(&collector, Some(&request.trace), "larder-worker", "write").await?;

    assert_eq!(larder.get(&larder.id("b")).await?.status(), StatusCode::NOT_FOUND);
    assert_eq!(larder.request(Method::GET, "/items?limit=none").send().await?.status(), StatusCode::BAD_REQUEST);
    let route = |method, route, status| {
        [("http.request.method", method), ("http.route", route), ("http.response.status_code", status)]
    };
    for (attributes, error) in [
        (route("PUT", "/items/...", "202"), None),
        (route("GET", "/items/...", "404"), Some("no-such-item")),
        (route("GET", "/items", "400"), Some("invalid-query")),
    ] {
        let attributes: Vec<_> = attributes.into_iter().chain(error.map(|error| ("error.type", error))).collect();
        eventually("the request is counted", async || {
            ensure!(collector.count("http.server.request.duration", &attributes) == 1, "{attributes:?}");
            Ok(())
        })
        .await?;
    }
    ensure!(collector.count("db.client.operation.duration", &[("db.operation.name", "GET")]) > 0);
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() -> Tested {
    let endpoint = {
        // Nobody listens there when it is gone.
        Collector::start().await?.endpoint().replace("127.0.0.1", "127.0.0.2")
    };
    let Some(mut larder) = Larder::own(telling(&endpoint)).await? else { return Ok(()) };
    let id = larder.id("a");
    let started = Instant::now();
    for _ in 0..20 {
        let put = larder.item(Method::PUT, &id).header("traceparent", traceparent(TRACE, "01"));
        let answer = put.header("prefer", "wait=10").body("x").send().await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let Exited { status, took } = larder.system().workers[0].terminate(Duration::from_secs(5)).await?;
    assert!(status.success() && took < Duration::from_secs(2), "{status} after {took:?}");
    Ok(())
}
