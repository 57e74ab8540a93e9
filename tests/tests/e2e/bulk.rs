//! Many items in one request.

use anyhow::Context;
use larder_protocol::ItemId;
use larder_protocol::limits::{MAX_BULK_BYTES, MAX_BULK_OPERATIONS};
use larder_tests::{Larder, eventually};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::Tested;

async fn post(larder: &Larder, path: &str, body: &Value) -> anyhow::Result<Response> {
    Ok(larder.request(Method::POST, path).json(body).send().await?)
}

/// The results of a bulk request that was taken.
async fn results(larder: &Larder, path: &str, body: &Value) -> anyhow::Result<Vec<Value>> {
    let response = post(larder, path, body).await?;
    assert_eq!(response.status(), StatusCode::OK);
    Ok(response.json().await?)
}

/// Waits until the write with this revision is applied.
async fn applied(larder: &Larder, result: &Value) -> Tested {
    let revision = result["revision"].as_str().with_context(|| result.to_string())?;
    eventually("the operation is applied", async || {
        let outcome: Value = larder.request(Method::GET, &format!("/writes/{revision}")).send().await?.json().await?;
        anyhow::ensure!(outcome["outcome"] == "applied", "{outcome}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn operations_are_applied_in_order_and_read_back() -> Tested {
    let larder = Larder::start().await?;
    let [text, json_, bytes, gone] = ["text", "json", "bytes", "gone"].map(|name| larder.id(name).to_string());
    let operations = json!([
        {"op": "put", "id": text, "value": "first"},
        {"op": "put", "id": gone, "value": "x"},
        {"op": "put", "id": text, "value": "second", "content_type": "text/html", "meta": {"Owner": "ada"}},
        {"op": "put", "id": json_, "value": {"a": [1, 2.50]}, "ttl": 600},
        {"op": "put", "id": bytes, "value_base64": "/wA="},
        {"op": "delete", "id": gone},
    ]);
    let written = results(&larder, "/items", &operations).await?;
    assert_eq!(written.len(), 6);
    for (result, operation) in written.iter().zip(operations.as_array().context("an array")?) {
        assert_eq!((&result["id"], &result["status"]), (&operation["id"], &json!(202)), "{result}");
        applied(&larder, result).await?;
    }

    let read = results(&larder, "/items/get", &json!([text, gone, json_, bytes, text])).await?;
    let members = |n: usize| (&read[n]["status"], &read[n]["content_type"], &read[n]["value"]);
    assert_eq!(members(0), (&json!(200), &json!("text/html"), &json!("second")));
    assert_eq!(read[0]["meta"], json!({"owner": "ada"}));
    assert_eq!(read[0]["revision"], written[2]["revision"]);
    assert_eq!((&read[1]["status"], &read[1]["id"]), (&json!(404), &json!(gone)));
    assert_eq!(read[1]["problem"]["type"], "urn:larder:problem:no-such-item");
    assert_eq!(members(2), (&json!(200), &json!("application/json"), &json!("{\"a\":[1,2.5]}")));
    assert!(read[2]["expires"].as_str().is_some_and(|expires| expires.ends_with('Z')), "{}", read[2]);
    assert_eq!((&read[3]["value"], &read[3]["value_base64"]), (&Value::Null, &json!("/wA=")));
    assert_eq!(read[4], read[0]);

    let single = larder.get(&ItemId::new(text)?).await?;
    assert_eq!(single.headers()["larder-meta-owner"], "ada");
    assert_eq!(single.text().await?, "second");
    Ok(())
}

#[tokio::test]
async fn each_operation_is_refused_on_its_own() -> Tested {
    let larder = Larder::start().await?;
    let (there, other) = (larder.id("there"), larder.id("other").to_string());
    let current = larder.put(&there, "x").await?;
    let id = there.to_string();
    let written = results(
        &larder,
        "/items",
        &json!([
            {"op": "put", "id": other, "value": ""},
            {"op": "put", "id": other, "value": 1, "tll": 5},
            {"op": "put", "id": id, "value": "y", "if_none_match": "*"},
            {"op": "put", "id": id, "value": "y", "if_match": current.to_string()},
            {"op": "drop", "id": other},
            7,
        ]),
    )
    .await?;
    let told: Vec<_> = written.iter().map(|r| (r["status"].as_u64(), r["problem"]["type"].as_str())).collect();
    let refused = |status, kind| (Some(status), Some(kind));
    assert_eq!(
        told,
        [
            refused(422, "urn:larder:problem:no-value"),
            refused(400, "urn:larder:problem:invalid-operation"),
            refused(412, "urn:larder:problem:precondition-failed"),
            (Some(202), None),
            refused(400, "urn:larder:problem:invalid-operation"),
            refused(400, "urn:larder:problem:invalid-operation"),
        ]
    );
    assert!(written[1]["problem"]["detail"].as_str().is_some_and(|d| d.contains("`tll`")), "{}", written[1]);
    assert_eq!((&written[1]["id"], &written[5]["id"]), (&json!(other), &Value::Null));
    applied(&larder, &written[3]).await?;
    assert_eq!(larder.get(&there).await?.text().await?, "y");
    assert_eq!(larder.get(&ItemId::new(other)?).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn lines_are_answered_with_lines() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a").to_string();
    let lines =
        format!("{}\n\n{{bad\n{}\r\n", json!({"op": "put", "id": id, "value": 1}), json!({"op": "delete", "id": id}));
    let request = larder.request(Method::POST, "/items").header("content-type", "application/x-ndjson");
    let response = request.body(lines).send().await?;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await?;
    let statuses = text.lines().map(|line| Ok(serde_json::from_str::<Value>(line)?["status"].clone()));
    assert_eq!(statuses.collect::<anyhow::Result<Vec<_>>>()?, [202, 400, 202]);
    Ok(())
}

#[tokio::test]
async fn what_is_no_bulk_request_writes_nothing() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a");
    let operation = json!({"op": "put", "id": id.as_str(), "value": "x"});
    let many = vec![operation.clone(); MAX_BULK_OPERATIONS + 1];
    let large = "x".repeat(MAX_BULK_BYTES);
    for (content_type, body, status, kind) in [
        ("application/json", json!(many).to_string(), StatusCode::PAYLOAD_TOO_LARGE, "bulk-too-large"),
        ("application/x-ndjson", format!("{operation}\n{large}"), StatusCode::PAYLOAD_TOO_LARGE, "bulk-too-large"),
        ("text/plain", json!([operation]).to_string(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-type"),
        ("application/json", operation.to_string(), StatusCode::BAD_REQUEST, "invalid-bulk"),
        ("application/json", format!("[{operation}"), StatusCode::BAD_REQUEST, "invalid-bulk"),
        ("application/json", "[]".to_owned(), StatusCode::BAD_REQUEST, "invalid-bulk"),
    ] {
        let request = larder.request(Method::POST, "/items").header("content-type", content_type).body(body);
        let response = request.send().await?;
        assert_eq!(response.status(), status, "{kind}");
        assert_eq!(response.json::<Value>().await?["type"], format!("urn:larder:problem:{kind}"));
    }
    assert_eq!(larder.get(&id).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_repeated_bulk_request_writes_once() -> Tested {
    let larder = Larder::start().await?;
    let id = larder.id("a").to_string();
    let operations = json!([{"op": "put", "id": id, "value": "1"}, {"op": "put", "id": id, "value": "2"}]);
    let send = async |operations: &Value| -> anyhow::Result<Vec<Value>> {
        let request = larder.request(Method::POST, "/items").header("idempotency-key", "\"k\"").json(operations);
        Ok(request.send().await?.json().await?)
    };
    let first = send(&operations).await?;
    assert_ne!(first[0]["revision"], first[1]["revision"]);
    assert_eq!(send(&operations).await?, first);
    let other = json!([{"op": "put", "id": id, "value": "1"}, {"op": "put", "id": id, "value": "3"}]);
    let reused = send(&other).await?;
    assert_eq!((&reused[0], &reused[1]["status"]), (&first[0], &json!(422)));
    Ok(())
}

#[tokio::test]
async fn who_waits_is_told_the_outcomes() -> Tested {
    let larder = Larder::start().await?;
    let [a, b] = ["a", "b"].map(|name| larder.id(name).to_string());
    let operations = json!([
        {"op": "put", "id": a, "value": 1},
        {"op": "put", "id": a, "value": 2, "if_none_match": "*"},
        {"op": "put", "id": a, "value": 3},
        {"op": "put", "id": b, "value": 1},
        {"op": "delete", "id": b},
    ]);
    let request = larder.request(Method::POST, "/items").header("prefer", "wait=10").json(&operations);
    let answer = request.send().await?;
    assert_eq!(answer.headers()["preference-applied"], "wait=10");
    let results: Vec<Value> = answer.json().await?;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64()).collect();
    assert_eq!(statuses, [201, 412, 204, 201, 204].map(Some), "{results:?}");
    assert_eq!(results[1]["problem"]["type"], "urn:larder:problem:precondition-failed");
    assert_eq!(larder.get(&ItemId::new(a)?).await?.text().await?, "3");
    assert_eq!(larder.get(&ItemId::new(b)?).await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_full_bulk_request_is_served() -> Tested {
    let larder = Larder::start().await?;
    let ids: Vec<_> = (0..MAX_BULK_OPERATIONS).map(|n| larder.id(&n.to_string()).to_string()).collect();
    let value = "v".repeat(7_000);
    let put = |id: &String| json!({"op": "put", "id": id, "value": value});
    let written = results(&larder, "/items", &json!(ids.iter().map(put).collect::<Vec<_>>())).await?;
    assert!(written.iter().zip(&ids).all(|(r, id)| r["status"] == 202 && r["id"] == *id));
    for result in &written {
        applied(&larder, result).await?;
    }
    let read = results(&larder, "/items/get", &json!(ids)).await?;
    let there: Vec<_> = read.iter().filter(|result| result["status"] == 200).collect();
    let left_out: Vec<_> = read.iter().filter(|result| result["status"] == 413).collect();
    assert_eq!(there.len() + left_out.len(), MAX_BULK_OPERATIONS);
    assert!(there.iter().all(|result| result["value"] == value.as_str()));
    assert!(there.len() * value.len() <= MAX_BULK_BYTES);
    assert!(left_out.iter().all(|result| result["problem"]["type"] == "urn:larder:problem:answer-too-large"));
    Ok(())
}

#[tokio::test]
async fn an_item_named_get_is_written_with_put() -> Tested {
    let Some(larder) = Larder::own(larder_system::System::builder()).await? else { return Ok(()) };
    let get = ItemId::new("get")?;
    larder.put(&get, "x").await?;
    assert_eq!(larder.get(&get).await?.text().await?, "x");
    let read = results(&larder, "/items/get", &json!(["get"])).await?;
    assert_eq!(read[0]["value"], "x");
    Ok(())
}
