//! `GET /items`: what exists, in order, page by page.

use std::collections::BTreeSet;

use anyhow::Context;
use futures::future::try_join_all;
use larder_protocol::{ItemId, Partition, keys};
use larder_system::System;
use larder_tests::{Direct, Larder, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

async fn write(larder: &Larder, names: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<Vec<String>> {
    let ids: Vec<_> = names.into_iter().map(|name| larder.id(name.as_ref())).collect();
    try_join_all(ids.iter().map(|id| larder.put(id, "x"))).await?;
    let mut ids: Vec<_> = ids.iter().map(ItemId::to_string).collect();
    ids.sort();
    Ok(ids)
}

/// One page with these parameters.
async fn page(larder: &Larder, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
    let response = larder.request(Method::GET, "/items").query(parameters).send().await?;
    let status = response.status();
    let page: Value = response.json().await?;
    anyhow::ensure!(status == StatusCode::OK, "{page}");
    Ok(page)
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().into_iter().flatten();
    items.filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
}

/// The ids of all pages, after `between` was run between each two of them.
async fn all(
    larder: &Larder,
    prefix: &str,
    limit: &str,
    between: impl AsyncFn() -> Tested,
) -> anyhow::Result<Vec<String>> {
    let (mut told, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("prefix", prefix), ("limit", limit)];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = page(larder, &parameters).await?;
        told.extend(ids(&page));
        match page["cursor"].as_str() {
            None => return Ok(told),
            Some(next) => cursor = Some(next.to_owned()),
        }
        between().await?;
    }
}

#[tokio::test]
async fn ids_come_in_byte_order_whatever_the_size_of_a_page() -> Tested {
    let larder = Larder::start().await?;
    let names = (0..40).map(|n| format!("{n}")).chain(["Z", "a", "ä", "🦀", "a b", "%", "~"].map(str::to_owned));
    let written = write(&larder, names).await?;
    let prefix = larder.id("").to_string();
    for limit in ["1", "7", "46", "47", "48", "1000"] {
        assert_eq!(all(&larder, &prefix, limit, async || Ok(())).await?, written, "pages of {limit}");
    }
    let exact = page(&larder, &[("prefix", &prefix), ("limit", "47")]).await?;
    assert_eq!(exact.get("cursor"), None, "the last page has no cursor");
    assert_eq!(page(&larder, &[("prefix", &written[3]), ("limit", "1")]).await?["items"][0]["id"], written[3].as_str());
    assert_eq!(page(&larder, &[("prefix", &format!("{prefix}none"))]).await?, json!({"items": []}));
    Ok(())
}

#[tokio::test]
async fn what_stays_is_told_once_while_the_rest_changes() -> Tested {
    let larder = Larder::start().await?;
    let stays: BTreeSet<_> = write(&larder, (0..60).map(|n| format!("{n:02}-stays"))).await?.into_iter().collect();
    let goes = write(&larder, (0..60).map(|n| format!("{n:02}-goes"))).await?;
    let prefix = larder.id("").to_string();
    let round = std::cell::Cell::new(0);
    let told = all(&larder, &prefix, "9", async || {
        let n = round.replace(round.get() + 1);
        // One that was told, one that will be, and new ones on both sides of the cursor.
        for gone in [goes.get(n * 2), goes.iter().rev().nth(n * 2)].into_iter().flatten() {
            larder.applied(larder.item(Method::DELETE, &ItemId::new(gone.as_str())?).send().await?).await?;
        }
        write(&larder, [format!("{:02}-new", n), format!("{:02}-new", 59 - n % 60)]).await?;
        Ok(())
    })
    .await?;
    assert!(told.is_sorted_by(|a, b| a < b), "in order, and none twice: {told:?}");
    assert!(stays.is_subset(&told.iter().cloned().collect()), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_delimiter_makes_groups() -> Tested {
    let larder = Larder::start().await?;
    write(&larder, ["a", "b/1", "b/2", "b/c/1", "b/c/2", "b/d", "c/1", "d", "e/f/g"]).await?;
    let top = larder.id("").to_string();
    let below = |name: &str| format!("{top}{name}");
    let whole = page(&larder, &[("prefix", &top), ("delimiter", "/")]).await?;
    assert_eq!(ids(&whole), [below("a"), below("d")]);
    assert_eq!(whole["prefixes"], json!([below("b/"), below("c/"), below("e/")]));
    let inside = page(&larder, &[("prefix", &below("b/")), ("delimiter", "/")]).await?;
    assert_eq!(ids(&inside), [below("b/1"), below("b/2"), below("b/d")]);
    assert_eq!(inside["prefixes"], json!([below("b/c/")]));

    // Ids and groups share the pages, and each is on one of them.
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("prefix", top.as_str()), ("delimiter", "/"), ("limit", "1")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = page(&larder, &parameters).await?;
        seen.extend(ids(&page));
        seen.extend(page["prefixes"].as_array().into_iter().flatten().filter_map(|p| Some(p.as_str()?.to_owned())));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = Some(next.to_owned());
    }
    assert_eq!(seen, ["a", "b/", "c/", "d", "e/"].map(below));
    Ok(())
}

#[tokio::test]
async fn values_meta_tells_what_is_known_of_each() -> Tested {
    let larder = Larder::start().await?;
    let (plain, rich) = (larder.id("plain"), larder.id("rich"));
    let revision = larder.put(&plain, "12345").await?;
    let request = larder.request(Method::PUT, &format!("/items/{}?ttl=600", rich.to_path()));
    let request = request.header("content-type", "text/html").header("larder-meta-note", "n".repeat(2_000));
    larder.applied(request.body("<p>").send().await?).await?;
    let page = page(&larder, &[("prefix", larder.id("").as_str()), ("values", "meta")]).await?;
    let modified = page["items"][0]["modified"].as_str().context("a time")?.to_owned();
    let written = humantime::parse_rfc3339(&modified)?.duration_since(std::time::UNIX_EPOCH)?.as_millis();
    assert_eq!(written, u128::from(revision.id.ms));
    assert_eq!(
        page["items"][0],
        json!({"id": plain.as_str(), "revision": revision.to_string(), "size": 5, "content_type": "text/plain",
               "modified": modified})
    );
    let rich = &page["items"][1];
    assert_eq!((&rich["size"], &rich["content_type"]), (&json!(3), &json!("text/html")));
    assert_eq!(rich["meta"]["note"], "n".repeat(2_000));
    assert!(rich["expires"].is_string());
    Ok(())
}

#[tokio::test]
async fn lines_are_told_to_those_who_ask() -> Tested {
    let larder = Larder::start().await?;
    let written = write(&larder, ["a", "b/1", "c"]).await?;
    let prefix = larder.id("").to_string();
    let request = larder.request(Method::GET, "/items").header("accept", "application/x-ndjson");
    let response = request.query(&[("prefix", prefix.as_str()), ("delimiter", "/"), ("limit", "2")]).send().await?;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    assert_eq!(lines[..2], [json!({"id": written[0]}), json!({"prefix": format!("{prefix}b/")})]);
    assert!(lines.len() == 3 && lines[2]["cursor"].is_string(), "{text}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_listed_is_named() -> Tested {
    let larder = Larder::start().await?;
    for (query, kind, hint) in [
        ("limit=0", "invalid-query", "from 1 to 1000"),
        ("limit=1001", "invalid-query", "\"1001\""),
        ("limit=1&limit=1", "invalid-query", "more than once"),
        ("prefx=a", "invalid-query", "known are: prefix, limit, cursor, delimiter, values"),
        ("prefix=%00", "invalid-query", "The prefix must have"),
        ("prefix=%ff", "invalid-query", "not UTF-8"),
        ("delimiter=", "invalid-query", "The delimiter must have 1 to"),
        ("values=all", "invalid-query", "must be meta or none"),
        ("cursor=x", "invalid-cursor", "starts again"),
        ("cursor=", "invalid-cursor", "starts again"),
    ] {
        let response = larder.request(Method::GET, &format!("/items?{query}")).send().await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let problem: Value = response.json().await?;
        assert_eq!(problem["type"], format!("urn:larder:problem:{kind}"), "{query}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{query}: {problem}");
    }
    Ok(())
}

/// The index forgets an expired id only when a worker sweeps; nobody is told of it meanwhile.
#[tokio::test]
async fn an_expired_id_is_not_told() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (stays, expires) = (larder.id("stays"), larder.id("expires"));
    larder.put(&stays, "x").await?;
    let path = format!("/items/{}?ttl=2", expires.to_path());
    larder.applied(larder.request(Method::PUT, &path).body("x").send().await?).await?;
    larder.system().workers[0].kill().await?;
    eventually("the item has expired", async || {
        anyhow::ensure!(larder.get(&expires).await?.status() == StatusCode::NOT_FOUND);
        Ok(())
    })
    .await?;
    let direct = Direct::open(&larder.system().redis.url()).await?;
    let index = keys::index(Partition::of(&expires));
    assert_eq!(direct.command::<Option<f64>>(&["ZSCORE", &index, expires.as_str()]).await?, Some(0.0));
    for values in ["none", "meta"] {
        assert_eq!(ids(&page(&larder, &[("values", values)]).await?), [stays.to_string()]);
    }
    Ok(())
}

/// What something else wrote to the key of one item is no reason to say nothing of the others.
#[tokio::test]
async fn a_string_that_is_no_item_hides_no_other() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let redis = Direct::open(&larder.system().redis.url()).await?;
    let strings = ["garbage\n\nvalue", "garbage", "", "format\n\nx", "\n\n", "999999999999999999-0 - text/plain\n\nx"];
    let names: Vec<_> = (0..=strings.len()).map(|n| n.to_string()).collect();
    let all = write(&larder, &names).await?;
    for (name, string) in names.iter().skip(1).zip(strings) {
        let id = larder.id(name);
        if !string.is_empty() {
            redis.command::<String>(&["SET", &keys::item(&id), string]).await?;
            continue;
        }
        redis.command::<u64>(&["DEL", &keys::item(&id)]).await?;
        redis.command::<u64>(&["LPUSH", &keys::item(&id), "a list"]).await?;
    }
    let listed = page(&larder, &[("prefix", larder.id("").as_str()), ("values", "meta")]).await?;
    assert_eq!(ids(&listed), all);
    let known: Vec<_> = listed["items"].as_array().context("a list")?.iter().map(|item| item["size"].clone()).collect();
    assert_eq!(known, json!([1, null, null, null, null, null, 1]).as_array().context("a list")?.clone());
    let changes = larder.request(Method::GET, "/changes?since=0&include=meta").send().await?;
    assert_eq!(changes.status(), StatusCode::OK);
    let changes: Value = changes.json().await?;
    assert_eq!(changes["changes"].as_array().map(Vec::len), Some(all.len()), "{changes}");
    // A time beyond all calendars is the last one.
    let last = larder.get(&larder.id(&strings.len().to_string())).await?;
    assert_eq!(
        (last.status(), &last.headers()["last-modified"]),
        (StatusCode::OK, &"Fri, 31 Dec 9999 23:59:59 GMT".parse()?)
    );
    Ok(())
}
