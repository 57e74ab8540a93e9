//! Answers that go on: Server-Sent Events, and JSON lines.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use larder_protocol::Partition;
use larder_system::{System, Topology};
use larder_tests::{Direct, Larder, http};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::now;
use crate::Tested;

/// A request whose answer goes on: the client that looks at whole answers is not for it.
async fn stream(larder: &Larder, query: &[(&str, &str)], headers: &[(&str, &str)]) -> anyhow::Result<Response> {
    let mut request = http().get(format!("{}/changes", larder.base())).query(query);
    if let Ok(token) = std::env::var("LARDER_TOKEN") {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await?;
    ensure!(response.status() == StatusCode::OK, "{}", response.text().await?);
    Ok(response)
}

/// What a stream tells until this text is in it.
async fn until(told: &mut Response, text: &str) -> anyhow::Result<String> {
    let mut so_far = String::new();
    while !so_far.contains(text) {
        let part = tokio::time::timeout(Duration::from_secs(25), told.chunk()).await;
        so_far += std::str::from_utf8(&part.with_context(|| format!("only {so_far:?}"))??.context("the end")?)?;
    }
    Ok(so_far)
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().rev().find_map(|line| line.strip_prefix(name))
}

#[tokio::test]
async fn events_go_on_and_a_browser_comes_again_where_it_was() -> Tested {
    let larder = Larder::start().await?;
    let (a, b) = (larder.id("a"), larder.id("b"));
    let prefix = larder.id("").to_string();
    let (query, accept) = ([("prefix", prefix.as_str())], ("accept", "text/event-stream"));
    let mut told = stream(&larder, &query, &[accept]).await?;
    assert_eq!(told.headers()["content-type"], "text/event-stream");
    let begin = until(&mut told, "\n\n").await?;
    assert!(begin.starts_with("retry: 1000\nid: "), "{begin}");
    let revision = larder.put(&a, "x").await?.to_string();
    let event = until(&mut told, "\n\n").await?;
    let data: Value = serde_json::from_str(line(&event, "data: ").context("data")?)?;
    assert_eq!((line(&event, "event: "), &data["revision"]), (Some("put"), &json!(revision)));
    assert_eq!(data["id"], a.as_str());
    let last = line(&event, "id: ").context("an id")?.to_owned();

    // While nothing happens it says so, and where it would go on.
    let start = Instant::now();
    let nothing = until(&mut told, "\n\n").await?;
    assert!(nothing.starts_with(": nothing new\nid: ") && start.elapsed() > Duration::from_secs(10), "{nothing}");
    drop(told);

    larder.put(&b, "x").await?;
    for (last, expected) in [(last.as_str(), 1), (line(&begin, "id: ").context("an id")?, 2)] {
        // The query is that of the first time.
        let mut again = stream(&larder, &[query[0], ("since", "0")], &[accept, ("last-event-id", last)]).await?;
        let text = until(&mut again, b.as_str()).await?;
        assert_eq!(text.matches("event: put").count(), expected, "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn lines_go_on_where_that_is_asked_for() -> Tested {
    let larder = Larder::start().await?;
    let (id, since, prefix) = (larder.id("a"), now(&larder).await?, larder.id("").to_string());
    let query = [("prefix", prefix.as_str()), ("since", &since), ("follow", "true")];
    let mut told = stream(&larder, &query, &[("accept", "application/x-ndjson")]).await?;
    assert_eq!(told.headers()["content-type"], "application/x-ndjson");
    for value in ["1", "2"] {
        let revision = larder.put(&id, value).await?.to_string();
        let text = until(&mut told, &revision).await?;
        let mut lines = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
        let end = lines.pop().context("a line")?;
        assert!(end["cursor"].is_string() && lines.last().is_some_and(|line| line["revision"] == revision), "{text}");
    }
    let page = larder.request(Method::GET, "/changes").query(&query[..2]).header("accept", "application/x-ndjson");
    let text = page.send().await?.text().await?;
    assert_eq!(text.lines().count(), 3, "{text}");
    Ok(())
}

/// Nobody reads what a client has not taken; a stream that nobody reads costs no memory.
#[tokio::test]
async fn a_stream_that_nobody_reads_waits_and_then_tells_all() -> Tested {
    let larder = Larder::start().await?;
    let (id, prefix) = (larder.id("large"), larder.id("").to_string());
    let query = [("prefix", prefix.as_str()), ("include", "value"), ("follow", "true")];
    let mut told = stream(&larder, &query, &[("accept", "application/x-ndjson")]).await?;
    let mut revisions = Vec::new();
    for _ in 0..30 {
        revisions.push(larder.put(&id, "x".repeat(900_000)).await?.to_string());
    }
    let mut text = String::new();
    while !(text.contains(&format!("\"revision\":\"{}\",\"at\"", revisions[29])) && text.ends_with('\n')) {
        text += std::str::from_utf8(&told.chunk().await?.context("the end")?)?;
    }
    let seen: Vec<_> = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect();
    let seen: Vec<_> = seen.iter().filter_map(|line| line["revision"].as_str()).collect();
    assert_eq!(seen, revisions);
    Ok(())
}

/// Whoever waits is told what the other masters have, and goes on with the one that was down.
#[tokio::test]
async fn a_master_that_is_down_holds_up_its_own_changes_only() -> Tested {
    let builder = System::builder().topology(Topology::Cluster(3));
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let cluster = system.redis.cluster_mut().expect("it was asked for");
    let ids: Vec<_> = (0..50).map(|n| larder.id(&n.to_string())).collect();
    let mut masters = vec![];
    for id in &ids {
        masters.push(cluster.master_of(Partition::of(id).slot()).await?);
    }
    let there = masters.iter().position(|master| *master != masters[0]).context("an id on another master")?;
    let (down, there) = (&ids[0], &ids[there]);
    let replica = Direct::open(&cluster.node(cluster.replica_of(masters[0]).await?).url()).await?;
    replica.command::<()>(&["CONFIG", "SET", "cluster-replica-no-failover", "yes"]).await?;

    let mut told = stream(&larder, &[], &[("accept", "text/event-stream")]).await?;
    cluster.node_mut(masters[0]).kill().await?;
    let revision = larder.put(there, "meanwhile").await?.to_string();
    until(&mut told, &revision).await?;
    let page = larder.request(Method::GET, "/changes?since=0").send().await?;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE, "a page is complete, or none");

    cluster.node_mut(masters[0]).restart().await?;
    system.wait_until_ready(Duration::from_secs(60)).await?;
    let revision = larder.put(down, "after").await?.to_string();
    let text = until(&mut told, &revision).await?;
    assert!(!text.contains("event: problem"), "{text}");
    Ok(())
}
