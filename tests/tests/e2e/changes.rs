//! `GET /changes`: pages, waiting, streams, and what is told where the past is gone.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use larder_local::system::{Output, System, Topology, WorkerProcess};
use larder_protocol::{ItemId, Partition};
use larder_tests::{Direct, Larder, eventually, http};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::access::{assert_refused, entry, with_tokens};
use crate::Tested;

/// One answer with these parameters.
async fn ask(larder: &Larder, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
    let response = larder.request(Method::GET, "/changes").query(parameters).send().await?;
    let status = response.status();
    let page: Value = response.json().await?;
    ensure!(status == StatusCode::OK, "{page}");
    Ok(page)
}

fn cursor(page: &Value) -> String {
    page["cursor"].as_str().unwrap_or_default().to_owned()
}

fn changes(page: &Value) -> Vec<Value> {
    page["changes"].as_array().cloned().unwrap_or_default()
}

async fn now(larder: &Larder) -> anyhow::Result<String> {
    Ok(cursor(&ask(larder, &[]).await?))
}

/// What happened to ids of this test after `since`, page by page, until nothing comes any more.
async fn all(larder: &Larder, since: &str, limit: &str) -> anyhow::Result<Vec<Value>> {
    let (mut told, mut since, prefix) = (Vec::new(), since.to_owned(), larder.id("").to_string());
    loop {
        let page = ask(larder, &[("prefix", &prefix), ("since", &since), ("limit", limit)]).await?;
        let some = changes(&page);
        ensure!(some.len() <= limit.parse()?, "{page}");
        if some.is_empty() {
            return Ok(told);
        }
        told.extend(some);
        since = cursor(&page);
    }
}

async fn delete(larder: &Larder, id: &ItemId) -> anyhow::Result<String> {
    Ok(larder.applied(larder.item(Method::DELETE, id).send().await?).await?.to_string())
}

/// Each change without the moment at which it was applied.
fn timeless(changes: &[Value]) -> Vec<Value> {
    let mut changes = changes.to_vec();
    for change in &mut changes {
        assert!(change.as_object_mut().and_then(|change| change.remove("at")).is_some_and(|at| at.is_string()));
    }
    changes
}

#[tokio::test]
async fn what_happens_to_an_item_is_told_in_order_and_once() -> Tested {
    let larder = Larder::start().await?;
    let (id, since) = (larder.id("a"), now(&larder).await?);
    let put = |revision: &str| json!({"op": "put", "id": id.as_str(), "revision": revision});
    let first = larder.put(&id, "1").await?.to_string();
    let second = larder.put(&id, "2").await?.to_string();
    let third = delete(&larder, &id).await?;
    // Nothing was there to be removed, and this one is refused.
    delete(&larder, &id).await?;
    let refused = larder.item(Method::PUT, &id).header("if-match", "*").body("x").send().await?;
    assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED);
    let removal = json!({"op": "delete", "id": id.as_str(), "revision": third});
    let expected = [put(&first), put(&second), removal];
    for limit in ["1", "2", "100"] {
        assert_eq!(timeless(&all(&larder, &since, limit).await?), expected, "pages of {limit}");
    }
    let oldest = ask(&larder, &[("prefix", larder.id("").as_str()), ("since", "0")]).await?;
    assert_eq!(timeless(&changes(&oldest)), expected);
    assert_eq!(ask(&larder, &[("since", &cursor(&oldest)), ("prefix", id.as_str())]).await?["changes"], json!([]));
    Ok(())
}

#[tokio::test]
async fn an_item_whose_time_runs_out_is_told() -> Tested {
    let larder = Larder::start().await?;
    let (id, over, since) = (larder.id("short"), larder.id("again"), now(&larder).await?);
    for id in [&id, &over] {
        let request = larder.request(Method::PUT, &format!("/items/{}?ttl=1", id.to_path())).body("x");
        larder.applied(request.send().await?).await?;
    }
    eventually("it has expired", async || {
        ensure!(larder.get(&over).await?.status() == StatusCode::NOT_FOUND);
        Ok(())
    })
    .await?;
    // Whoever is first tells it: the worker that tidies up, or the write that makes the item anew.
    larder.put(&over, "y").await?;
    let told = eventually("both ends are told", async || {
        let told = all(&larder, &since, "100").await?;
        ensure!(told.iter().filter(|change| change["op"] == "expire").count() == 2, "{told:?}");
        Ok(told)
    })
    .await?;
    let of = |id: &ItemId| -> Vec<_> {
        told.iter().filter(|change| change["id"] == id.as_str()).map(|change| change["op"].clone()).collect()
    };
    assert_eq!(
        (of(&id), of(&over)),
        (vec![json!("put"), json!("expire")], vec![json!("put"), json!("expire"), json!("put")])
    );
    assert!(told[0]["expires"].is_string() && told[0]["revision"].is_string(), "{told:?}");
    assert!(told.iter().all(|change| change["op"] != "expire" || change.get("revision").is_none()), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_change_that_matches_and_not_before() -> Tested {
    let larder = Larder::start().await?;
    let (mine, other, since) = (larder.id("mine/a"), larder.id("other/a"), now(&larder).await?);
    let prefix = larder.id("mine/").to_string();
    let wait = async |since: &str, wait: &str| {
        let start = Instant::now();
        let page = ask(&larder, &[("prefix", &prefix), ("since", since), ("wait", wait)]).await?;
        anyhow::Ok((page, start.elapsed()))
    };
    let write = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        larder.put(&other, "x").await?;
        tokio::time::sleep(Duration::from_millis(600)).await;
        larder.put(&mine, "x").await
    };
    let ((page, took), revision) = futures::try_join!(wait(&since, "10"), write)?;
    assert!((Duration::from_millis(990)..Duration::from_secs(9)).contains(&took), "{took:?}");
    assert_eq!(
        timeless(&changes(&page)),
        [json!({"op": "put", "id": mine.as_str(), "revision": revision.to_string()})]
    );

    let (empty, took) = wait(&cursor(&page), "1").await?;
    assert_eq!(empty["changes"], json!([]));
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let preferred = larder.request(Method::GET, "/changes").query(&[("prefix", &prefix)]).header("prefer", "wait=1");
    let preferred = preferred.send().await?;
    assert_eq!(preferred.headers()["preference-applied"], "wait=1");

    // What came while nobody waited is there at once, also for who does not wait.
    larder.put(&mine, "y").await?;
    for patience in ["0", "10"] {
        assert_eq!(changes(&wait(&cursor(&empty), patience).await?.0).len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn many_who_wait_hear_of_the_same_change() -> Tested {
    let larder = Larder::start().await?;
    let (id, since) = (larder.id("a"), now(&larder).await?);
    let parameters = [("prefix", id.as_str()), ("since", &since), ("wait", "10")];
    let waiting = futures::future::try_join_all((0..20).map(|_| ask(&larder, &parameters)));
    let write = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        larder.put(&id, "x").await
    };
    let (pages, revision) = futures::try_join!(waiting, write)?;
    for page in pages {
        assert_eq!(changes(&page)[0]["revision"], revision.to_string());
    }
    Ok(())
}

#[tokio::test]
async fn the_item_as_it_is_now_comes_along() -> Tested {
    let larder = Larder::start().await?;
    let (text, bytes, gone, since) = (larder.id("text"), larder.id("bytes"), larder.id("gone"), now(&larder).await?);
    larder.put(&text, "old").await?;
    larder.put(&gone, "x").await?;
    let newest = larder.put(&text, "new").await?.to_string();
    larder.put(&bytes, [0xff, 0]).await?;
    delete(&larder, &gone).await?;
    for include in ["meta", "value"] {
        let prefix = larder.id("").to_string();
        let page = ask(&larder, &[("prefix", &prefix), ("since", &since), ("include", include)]).await?;
        for change in changes(&page) {
            let (op, current) = (&change["op"], &change["current"]);
            match change["id"].as_str().context("an id")? {
                _ if op == "delete" => assert_eq!(change.get("current"), None),
                id if id == gone.as_str() => assert_eq!(change.get("current"), Some(&Value::Null)),
                id if id == text.as_str() => {
                    assert_eq!(current["revision"], newest.as_str());
                    let told =
                        if include == "meta" { (&json!(3), &Value::Null) } else { (&Value::Null, &json!("new")) };
                    assert_eq!((&current["size"], &current["value"]), told);
                }
                _ if include == "value" => assert_eq!(current["value_base64"], "/wA="),
                _ => assert_eq!(current["size"], 2),
            }
        }
        assert_eq!(changes(&page).len(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn values_for_which_there_is_no_room_come_with_the_next_page() -> Tested {
    let larder = Larder::start().await?;
    let since = now(&larder).await?;
    // All in one partition, whose share of an answer is the whole of it.
    let ids = (0..).map(|n| larder.id(&format!("large/{n}")));
    let home = Partition::of(&larder.id("large/0"));
    let ids: Vec<_> = ids.filter(|id| Partition::of(id) == home).take(10).collect();
    for id in &ids {
        larder.put(id, "x".repeat(1_000_000)).await?;
    }
    let (mut since, mut sizes, prefix) = (since, Vec::new(), larder.id("").to_string());
    while sizes.iter().sum::<usize>() < 10 {
        let page = ask(&larder, &[("prefix", &prefix), ("since", &since), ("include", "value")]).await?;
        ensure!(
            changes(&page).iter().all(|change| change["current"]["value"].as_str().map(str::len) == Some(1_000_000))
        );
        sizes.push(changes(&page).len());
        since = cursor(&page);
    }
    assert_eq!(sizes, [8, 2]);
    Ok(())
}

#[tokio::test]
async fn a_listing_tells_from_where_to_follow() -> Tested {
    let larder = Larder::start().await?;
    let (old, new, prefix) = (larder.id("old"), larder.id("new"), larder.id("").to_string());
    larder.put(&old, "x").await?;
    let list = async |parameters: &[(&str, &str)]| {
        let request = larder.request(Method::GET, "/items").query(parameters).query(&[("prefix", &prefix)]);
        anyhow::Ok(request.send().await?.json::<Value>().await?)
    };
    assert_eq!(list(&[]).await?.get("changes"), None);
    let page = list(&[("changes", "true")]).await?;
    let since = page["changes"].as_str().context("a cursor")?.to_owned();
    larder.put(&new, "x").await?;
    let told = all(&larder, &since, "10").await?;
    assert_eq!(told.iter().map(|change| &change["id"]).collect::<Vec<_>>(), [new.as_str()]);
    let first = list(&[("changes", "true"), ("limit", "1")]).await?;
    let second =
        list(&[("changes", "true"), ("limit", "1"), ("cursor", first["cursor"].as_str().context("one")?)]).await?;
    assert!(first["changes"].is_string() && second.get("changes").is_none(), "only the first page tells it");
    Ok(())
}

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

#[tokio::test]
async fn a_past_that_is_gone_is_told_and_not_skipped() -> Tested {
    let Some(larder) = Larder::own(System::builder().worker_env("LARDER_CHANGES_KEPT", "20")).await? else {
        return Ok(());
    };
    let (id, since) = (larder.id("a"), now(&larder).await?);
    let first = larder.put(&id, "first").await?.to_string();
    assert_eq!(all(&larder, &since, "1").await?[0]["revision"], first);
    // Whole nodes of the stream go at once, of a hundred entries at most.
    let writes: String =
        (0..500).map(|n| format!("{}\n", json!({"op": "put", "id": id.as_str(), "value": n.to_string()}))).collect();
    let bulk = larder
        .request(Method::POST, "/items")
        .header("content-type", "application/x-ndjson")
        .header("prefer", "wait=10");
    assert_eq!(bulk.body(writes).send().await?.status(), StatusCode::OK);
    larder.put(&id, "last").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    let kept = all(&larder, "0", "1000").await?;
    assert!((20..200).contains(&kept.len()), "{}", kept.len());
    Ok(())
}

#[tokio::test]
async fn who_follows_hears_that_the_feed_was_switched_off() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (id, since) = (larder.id("a"), now(&larder).await?);
    larder.put(&id, "x").await?;
    let url = larder.system().redis.url();
    larder.system().workers[0].kill().await?;
    let log = Output::File(larder.system().data().path().join("worker-without.log"));
    let without = WorkerProcess::start(&url, &[("LARDER_CHANGES_KEPT", "0")], &[], log)?;
    larder.put(&id, "untold").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    for path in ["/changes", "/changes?since=0", "/items?changes=true"] {
        assert_refused(larder.request(Method::GET, path), StatusCode::NOT_FOUND, "no-feed", "--changes-kept 0").await?;
    }
    assert_eq!(larder.request(Method::GET, "/items").send().await?.status(), StatusCode::OK);
    drop(without);

    // When it is switched on again, the cursor of the time before is still no good.
    larder.system().workers[0].restart().await?;
    larder.put(&id, "told").await?;
    let request = larder.request(Method::GET, "/changes").query(&[("since", &since)]);
    assert_refused(request, StatusCode::GONE, "changes-gone", "changes=true").await?;
    assert_eq!(all(&larder, "0", "10").await?.len(), 1);
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

#[tokio::test]
async fn a_token_sees_what_it_reaches_and_values_only_if_it_reads() -> Tested {
    let mut near = entry("near", "near", &["list"]);
    near["prefixes"] = json!(["near/"]);
    let entries = json!([near, entry("lists", "lists", &["list"]), entry("both", "both", &["list", "read"])]);
    let Some(larder) = with_tokens(&entries).await? else { return Ok(()) };
    let request =
        |token: &str, query: &str| larder.request(Method::GET, &format!("/changes?{query}")).bearer_auth(token);
    assert_eq!(request("lists", "include=meta").send().await?.status(), StatusCode::OK);
    assert_eq!(request("both", "include=value").send().await?.status(), StatusCode::OK);
    assert_eq!(request("near", "prefix=near/").send().await?.status(), StatusCode::OK);
    let forbidden = StatusCode::FORBIDDEN;
    assert_refused(request("lists", "include=value"), forbidden, "insufficient-scope", "read").await?;
    for query in ["", "prefix=near", "prefix=far/"] {
        assert_refused(request("near", query), forbidden, "outside-prefix", "near/").await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_followed_is_named() -> Tested {
    let larder = Larder::start().await?;
    for (query, kind, hint) in [
        ("since=x", "invalid-cursor", "Leave it out"),
        ("since=", "invalid-cursor", "Leave it out"),
        ("limit=0", "invalid-query", "from 1 to 1000"),
        ("wait=-1", "invalid-query", "whole number of seconds"),
        ("include=all", "invalid-query", "meta or value"),
        ("follow=yes", "invalid-query", "true or false"),
        ("follow=true", "invalid-query", "text/event-stream"),
        ("from=0", "invalid-query", "known are: prefix, since"),
    ] {
        let request = larder.request(Method::GET, &format!("/changes?{query}"));
        assert_refused(request, StatusCode::BAD_REQUEST, kind, hint).await?;
    }
    let head = larder.request(Method::HEAD, "/changes?wait=10").header("accept", "text/event-stream").send().await?;
    assert_eq!(head.status(), StatusCode::OK);
    Ok(())
}
