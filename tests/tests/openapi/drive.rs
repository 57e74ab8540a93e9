//! The examples of the document, sent to a running system.

use anyhow::{Context, bail, ensure};
use larder_api::web::header;
use larder_system::System;
use larder_tests::openapi::{Document, Operation};
use larder_tests::{Larder, eventually};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap};
use serde_json::Value;

use crate::Tested;
use crate::alike;
use crate::example::Example;

/// What the examples of one method write, those of the next may read.
const METHODS: [&str; 7] = ["put", "post", "get", "head", "patch", "options", "delete"];

/// They are sent in an order in which each finds what it needs: by method, those that succeed
/// first. The system is new, because the examples have ids of their own.
#[tokio::test]
async fn every_example_is_answered_as_documented() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut examples = Example::all(Document::get());
    let rank = |method| METHODS.iter().position(|known| *known == method);
    examples.sort_by_key(|example| (rank(example.operation.method), example.status.clone(), example.name.clone()));
    let (mut sent, mut failed) = (0, Vec::new());
    for example in examples.iter().filter(|example| example.when().is_none()) {
        match send(&larder, example).await.with_context(|| example.to_string()) {
            Ok(was_sent) => sent += usize::from(was_sent),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    println!("{sent} of {} examples sent", examples.len());
    assert!(failed.is_empty(), "{} of {sent} examples:\n{}", failed.len(), failed.join("\n"));
    Ok(())
}

/// Sends the request of an example and compares the answer; tells whether it has one.
async fn send(larder: &Larder, example: &Example<'_>) -> anyhow::Result<bool> {
    let Some(mut ask) = example.ask()? else { return Ok(false) };
    if let Some(body) = &example.body
        && body.media_type == "application/x-ndjson"
    {
        ask.headers.insert(ACCEPT, body.media_type.parse()?);
    }
    let response = ask.send(larder).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await?;
    ensure!(status.as_str() == example.status, "{ask:?} gets {status} {}", String::from_utf8_lossy(&body));
    if let Some(expected) = &example.body
        && ask.method != Method::HEAD
    {
        alike::check(expected, &body)?;
    }
    settle(larder, &headers, &body).await?;
    for (name, link) in example.response.entries_of("links") {
        follow(larder, example, link.value(), &headers).await.with_context(|| format!("the link {name}"))?;
    }
    Ok(true)
}

/// Waits until the writes that an answer names are done, so that the next request sees them.
async fn settle(larder: &Larder, headers: &HeaderMap, body: &[u8]) -> Tested {
    let results: Value = serde_json::from_slice(body).unwrap_or_default();
    let of_results = results.as_array().into_iter().flatten().filter_map(|result| result["revision"].as_str());
    let of_header = headers.get(header::REVISION).and_then(|value| value.to_str().ok());
    for revision in of_results.chain(of_header) {
        eventually("the write is done", async || {
            let response = larder.request(Method::GET, &format!("/writes/{revision}")).send().await?;
            let outcome: Value = response.json().await?;
            ensure!(outcome["outcome"] != "pending", "{outcome}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Follows a link of an answer, to an operation that has to succeed.
async fn follow(larder: &Larder, example: &Example<'_>, link: &Value, headers: &HeaderMap) -> Tested {
    let is_target = |operation: &Operation<'_>| operation.node.text("operationId") == link["operationId"];
    let target = Document::get().operations().find(is_target).context("there is no such operation")?;
    let asked = example.ask()?.context("the example was sent")?;
    let (mut path, mut query) = (target.path.to_owned(), Vec::new());
    for (parameter, expression) in link["parameters"].as_object().context("a link has parameters")? {
        // The two runtime expressions that the document uses.
        let value = match expression.as_str() {
            Some("$request.path.id") => asked.path.strip_prefix("/items/").context("the request is for an item")?,
            Some("$response.header.Larder-Revision") => headers[header::REVISION].to_str()?,
            _ => bail!("{expression} is not understood here"),
        };
        match parameter.split_once('.') {
            Some(("path", name)) => path = path.replace(&format!("{{{name}}}"), value),
            Some(("query", name)) => query.push(format!("{name}={value}")),
            _ => bail!("the parameter {parameter} is not understood here"),
        }
    }
    let answer = larder.request(Method::GET, &format!("{path}?{}", query.join("&"))).send().await?;
    ensure!(answer.status().is_success(), "{} {}", answer.url().clone(), answer.text().await?);
    Ok(())
}
