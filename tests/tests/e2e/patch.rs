//! `PATCH /items/{id}`: JSON changes in part, atomically, whoever else writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::try_join_all;
use larder_protocol::limits::MAX_PATCH_ATTEMPTS;
use larder_protocol::{Content, ItemId, Operation, Partition};
use larder_system::System;
use larder_tests::{Direct, Larder};
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::{Value, json};

use crate::Tested;

const MERGE: &str = "application/merge-patch+json";
const OPERATIONS: &str = "application/json-patch+json";

fn patch(larder: &Larder, id: &ItemId, form: &str, patch: &Value) -> RequestBuilder {
    larder.item(Method::PATCH, id).header("content-type", form).body(patch.to_string())
}

async fn merge(larder: &Larder, id: &ItemId, merge: &Value) -> anyhow::Result<Response> {
    Ok(patch(larder, id, MERGE, merge).send().await?)
}

async fn put_json(larder: &Larder, id: &ItemId, json: &str) -> Tested {
    let put = larder.item(Method::PUT, id).header("content-type", "application/json").body(json.to_owned());
    larder.applied(put.send().await?).await?;
    Ok(())
}

async fn text(larder: &Larder, id: &ItemId) -> anyhow::Result<String> {
    Ok(larder.get(id).await?.error_for_status()?.text().await?)
}

async fn assert_problem(response: Response, status: u16, kind: &str) -> anyhow::Result<Value> {
    let (actual, problem): (_, Value) = (response.status(), response.json().await?);
    assert_eq!(
        (actual.as_u16(), &problem["type"]),
        (status, &json!(format!("urn:larder:problem:{kind}"))),
        "{problem}"
    );
    Ok(problem)
}

#[tokio::test]
async fn both_kinds_of_patches_change_what_they_name() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("user");
    put_json(&larder, &id, r#"{"z": 1.10, "name": "Ada", "big": 123456789012345678901234567890}"#).await?;
    let merged = merge(&larder, &id, &json!({"name": null, "tags": ["x"]})).await?;
    assert_eq!(merged.status(), StatusCode::NO_CONTENT);
    let revision = merged.headers()["larder-revision"].to_str()?;
    assert_eq!(merged.headers()["etag"].to_str()?, format!("\"{revision}\""));
    assert_eq!(text(&larder, &id).await?, r#"{"z":1.10,"big":123456789012345678901234567890,"tags":["x"]}"#);

    let operations =
        json!([{"op": "test", "path": "/z", "value": 1.1}, {"op": "add", "path": "/tags/0", "value": "a"}]);
    assert_eq!(patch(&larder, &id, OPERATIONS, &operations).send().await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(text(&larder, &id).await?, r#"{"z":1.10,"big":123456789012345678901234567890,"tags":["a","x"]}"#);
    Ok(())
}

#[tokio::test]
async fn type_metadata_and_end_of_the_item_stay_unless_others_are_given() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let path = format!("/items/{}?ttl=3600", id.to_path());
    let put = larder.request(Method::PUT, &path).header("content-type", "application/vnd.a+json; v=1");
    larder.applied(put.header("larder-meta-owner", "ada").body("{}").send().await?).await?;
    let before = larder.get(&id).await?.headers().clone();
    assert_eq!(merge(&larder, &id, &json!({"a": 1})).await?.status(), StatusCode::NO_CONTENT);
    let after = larder.get(&id).await?.headers().clone();
    for name in ["content-type", "larder-meta-owner", "larder-expires-at"] {
        assert_eq!(before[name], after[name]);
    }
    let path = format!("/items/{}?ttl=7200", id.to_path());
    let changed = larder.request(Method::PATCH, &path).header("content-type", MERGE).header("larder-meta-owner", "bob");
    assert_eq!(changed.body("{}").send().await?.status(), StatusCode::NO_CONTENT);
    let after = larder.get(&id).await?.headers().clone();
    assert_eq!(after["larder-meta-owner"], "bob");
    assert_ne!(before["larder-expires-at"], after["larder-expires-at"]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_changes_nothing() -> Tested {
    let larder = Larder::start().await?;
    let [json_, bytes, none] = ["json", "text", "none"].map(|name| larder.id(name));
    put_json(&larder, &json_, r#"{"a":1}"#).await?;
    larder.put(&bytes, "{}").await?;
    let one = |operation: Value| json!([{"op": "replace", "path": "/a", "value": 2}, operation]);
    let send = async |operation| patch(&larder, &json_, OPERATIONS, &one(operation)).send().await;

    let failed = send(json!({"op": "test", "path": "/a", "value": 1})).await?;
    assert_eq!(assert_problem(failed, 409, "patch-conflict").await?["pointer"], "/a");
    let failed = send(json!({"op": "remove", "path": "/b/c"})).await?;
    assert_eq!(assert_problem(failed, 409, "patch-conflict").await?["pointer"], "/b/c");
    assert_problem(send(json!({"op": "move", "from": "", "path": "/a"})).await?, 422, "unpatchable").await?;
    assert_problem(send(json!({"op": "rename", "path": "/a"})).await?, 400, "invalid-patch").await?;
    assert_eq!(text(&larder, &json_).await?, r#"{"a":1}"#);

    let forms = "application/merge-patch+json, application/json-patch+json";
    let no_json = merge(&larder, &bytes, &json!({})).await?;
    assert_eq!(no_json.headers()["accept-patch"], forms);
    assert_problem(no_json, 415, "not-json").await?;
    let wrong = patch(&larder, &json_, "application/json", &json!({})).send().await?;
    assert_eq!(wrong.headers()["accept-patch"], forms);
    assert_problem(wrong, 415, "unsupported-content-type").await?;
    assert_problem(merge(&larder, &none, &json!({})).await?, 404, "no-such-item").await?;
    let large = json!({"b": "x".repeat(1024 * 1024 - 8)});
    assert_problem(merge(&larder, &json_, &large).await?, 413, "value-too-large").await?;
    let options = larder.item(Method::OPTIONS, &json_).send().await?;
    assert_eq!(options.headers()["accept-patch"], forms);
    Ok(())
}

#[tokio::test]
async fn conditions_hold_and_a_merge_patch_may_create() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let new = || patch(&larder, &id, MERGE, &json!({"a": {"b": null}})).header("if-none-match", "*");
    let by_operations = patch(&larder, &id, OPERATIONS, &json!([])).header("if-none-match", "*");
    assert_problem(by_operations.send().await?, 404, "no-such-item").await?;
    assert_eq!(new().send().await?.status(), StatusCode::CREATED);
    let made = larder.get(&id).await?;
    assert_eq!(made.headers()["content-type"], "application/json");
    let etag = made.headers()["etag"].clone();
    assert_eq!(made.text().await?, r#"{"a":{}}"#);
    assert_problem(new().send().await?, 412, "precondition-failed").await?;

    let matching = || patch(&larder, &id, MERGE, &json!({"c": 1})).header("if-match", &etag);
    assert_eq!(matching().send().await?.status(), StatusCode::NO_CONTENT);
    assert_problem(matching().send().await?, 412, "precondition-failed").await?;
    Ok(())
}

/// What was accepted before counts, also where it is not applied yet when the patch comes.
#[tokio::test]
async fn a_patch_sees_what_was_accepted_before_it() -> Tested {
    let larder = Larder::start().await?;
    for n in 0..30 {
        let id = larder.id(&n.to_string());
        let put = larder.item(Method::PUT, &id).header("content-type", "application/json").body(r#"{"a":1}"#);
        let put = put.send().await?;
        let etag = format!("\"{}\"", put.headers()["larder-revision"].to_str()?);
        let operations = json!([{"op": "test", "path": "/a", "value": 1}, {"op": "add", "path": "/b", "value": 2}]);
        let patched = patch(&larder, &id, OPERATIONS, &operations).header("if-match", etag).send().await?;
        assert_eq!(patched.status(), StatusCode::NO_CONTENT, "{n}: {}", patched.text().await?);
        assert_eq!(text(&larder, &id).await?, r#"{"a":1,"b":2}"#);
    }
    Ok(())
}

/// Repeats of one key are one patch, although the second would not fit what the first made.
#[tokio::test]
async fn a_key_makes_the_whole_patch_safe_to_repeat() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    put_json(&larder, &id, r#"{"a":1,"l":[]}"#).await?;
    let operations = json!([{"op": "remove", "path": "/a"}, {"op": "add", "path": "/l/-", "value": 1}]);
    let keyed = || patch(&larder, &id, OPERATIONS, &operations).header("idempotency-key", "\"k\"").send();
    let together = try_join_all((0..8).map(|_| keyed())).await?;
    let again = keyed().await?;
    let revision = again.headers()["larder-revision"].clone();
    for response in together.into_iter().chain([again]) {
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()["larder-revision"], revision);
    }
    assert_eq!(text(&larder, &id).await?, r#"{"l":[1]}"#);
    let another = patch(&larder, &id, OPERATIONS, &json!([])).header("idempotency-key", "\"k\"").send().await?;
    assert_problem(another, 422, "idempotency-key-reused").await?;
    Ok(())
}

/// Each patch puts a number up by one, knowing which it was; plain writes change another member, so
/// that attempts fail.
#[tokio::test]
async fn patches_of_many_hands_all_count() -> Tested {
    const HANDS: usize = 6;
    const EACH: usize = 8;
    let larder = Larder::start().await?;
    let id = larder.id("a");
    put_json(&larder, &id, r#"{"list":[]}"#).await?;
    let hands = (0..HANDS).map(async |hand| {
        for n in 0..EACH {
            let operations = json!([{"op": "add", "path": "/list/-", "value": format!("{hand}-{n}")}]);
            let mut tries = 0;
            loop {
                let key = format!("\"{hand}-{n}-{tries}\"");
                let patched = patch(&larder, &id, OPERATIONS, &operations).header("idempotency-key", key);
                let response = patched.header("prefer", "wait=10").send().await?;
                match response.status() {
                    StatusCode::NO_CONTENT => break,
                    StatusCode::ACCEPTED => {}
                    // It was not written, and never will be: another request.
                    StatusCode::CONFLICT => tries += 1,
                    status => anyhow::bail!("{status} {}", response.text().await?),
                }
            }
        }
        Ok(())
    });
    try_join_all(hands).await?;
    let document: Value = serde_json::from_str(&text(&larder, &id).await?)?;
    let list = document["list"].as_array().expect("it is one");
    let mut names: Vec<_> = list.iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    let mut expected: Vec<_> = (0..HANDS).flat_map(|hand| (0..EACH).map(move |n| format!("{hand}-{n}"))).collect();
    expected.sort();
    assert_eq!(names, expected, "each once");
    Ok(())
}

/// A writer puts a write before the commit of each attempt, for as long as it takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_never_the_fastest_is_told_so() -> Tested {
    let Some(mut larder) = Larder::own(System::builder().workers(0)).await? else { return Ok(()) };
    let direct = Direct::open(&larder.system().redis.url()).await?;
    let (id, stop) = (larder.id("a"), Arc::new(AtomicBool::new(false)));
    let p = Partition::of(&id);
    let put = || Operation::Put { content: Content::new(Some("application/json"), b"{}".into()).unwrap(), ttl: None };
    direct.run::<Vec<redis::Value>>(&larder_protocol::call::accept(&id, &put().into(), "", 100, true)).await?;
    direct.commit(p, 10, 1_000).await?;
    // In the place of a worker: whatever comes, another write of the item is applied before it.
    let rival = {
        let (id, stop, direct) = (id.clone(), stop.clone(), direct.clone());
        tokio::spawn(async move {
            let item = larder_protocol::keys::item(&id);
            while !stop.load(Ordering::Relaxed) {
                let waits: u64 = direct.command(&["XLEN", &larder_protocol::keys::writes(p)]).await?;
                if waits > 0 {
                    static TIMES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
                    let revision = format!("{}-0 - application/json\n\n{{}}", TIMES.fetch_add(1, Ordering::Relaxed));
                    direct.command::<String>(&["SET", &item, &revision]).await?;
                    direct.commit(p, 10, 1_000).await?;
                }
            }
            anyhow::Ok(())
        })
    };
    let response = patch(&larder, &id, MERGE, &json!({"a": 1})).header("prefer", "wait=10").send().await?;
    stop.store(true, Ordering::Relaxed);
    rival.await??;
    let problem = assert_problem(response, 409, "contended").await?;
    assert!(problem["detail"].as_str().unwrap_or_default().contains(&MAX_PATCH_ATTEMPTS.to_string()), "{problem}");
    assert_eq!(text(&larder, &id).await?, "{}");
    Ok(())
}

#[tokio::test]
async fn where_nobody_commits_nothing_is_claimed() -> Tested {
    let Some(mut larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let id = larder.id("a");
    put_json(&larder, &id, "{}").await?;
    larder.system().workers[0].kill().await?;
    let accepted = patch(&larder, &id, MERGE, &json!({"a": 1})).header("prefer", "wait=1").send().await?;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    let operations = json!([{"op": "test", "path": "/a", "value": 1}]);
    let unsure = patch(&larder, &id, OPERATIONS, &operations).header("prefer", "wait=1").send().await?;
    assert_problem(unsure, 503, "state-not-reached").await?;
    larder.system().workers[0].restart().await?;
    larder.applied(accepted).await?;
    let sure = patch(&larder, &id, OPERATIONS, &operations).header("prefer", "wait=10").send().await?;
    assert_eq!(sure.status(), StatusCode::NO_CONTENT);
    let hasty = patch(&larder, &id, MERGE, &json!({"a": 2})).header("prefer", "respond-async").send().await?;
    larder.applied(hasty).await?;
    assert_eq!(text(&larder, &id).await?, r#"{"a":2}"#);
    Ok(())
}

#[tokio::test]
async fn bulk_patches_in_the_order_of_its_operations() -> Tested {
    let larder = Larder::start().await?;
    let [id, none, bytes] = ["a", "none", "text"].map(|name| larder.id(name).to_string());
    let operations = json!([
        {"op": "put", "id": id, "value": {"n": 1}},
        {"op": "patch", "id": id, "merge": {"m": 2}},
        {"op": "put", "id": bytes, "value": "x"},
        {"op": "patch", "id": id, "patch": [{"op": "test", "path": "/m", "value": 2}, {"op": "remove", "path": "/n"}]},
        {"op": "patch", "id": none, "merge": {"m": 2}},
        {"op": "patch", "id": bytes, "merge": {"m": 2}},
        {"op": "patch", "id": id, "patch": [{"op": "remove", "path": "/n"}]},
        {"op": "patch", "id": none, "merge": {"m": 3}, "if_none_match": "*", "ttl": 600, "meta": {"owner": "ada"}},
    ]);
    let send = || {
        let bulk = larder.request(Method::POST, "/items").header("idempotency-key", "\"k\"");
        bulk.header("prefer", "wait=10").json(&operations).send()
    };
    let results: Vec<Value> = send().await?.json().await?;
    let statuses: Vec<_> = results.iter().filter_map(|result| result["status"].as_u64()).collect();
    assert_eq!(statuses, [201, 204, 201, 204, 404, 415, 409, 201], "{results:?}");
    assert_eq!(results[6]["problem"]["pointer"], "/n");
    assert_eq!(text(&larder, &larder.id("a")).await?, r#"{"m":2}"#);
    let made = larder.get(&larder.id("none")).await?;
    assert_eq!(made.headers()["larder-meta-owner"], "ada");

    let again: Vec<Value> = send().await?.json().await?;
    for applied in [0, 1, 2, 3, 7] {
        assert_eq!(again[applied]["revision"], results[applied]["revision"], "{again:?}");
    }
    assert_eq!(text(&larder, &larder.id("a")).await?, r#"{"m":2}"#, "nothing is patched twice");
    Ok(())
}
