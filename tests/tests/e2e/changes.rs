//! `GET /changes`: what is told of an item, in which order, from where on and to whom.

mod current;
mod gone;
mod streams;
mod waiting;

use anyhow::{Context, ensure};
use larder_protocol::ItemId;
use larder_tests::{Larder, eventually};
use reqwest::{Method, StatusCode};
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
