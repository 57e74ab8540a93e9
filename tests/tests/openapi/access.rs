//! The document and the code ask for the same tokens.

use std::collections::BTreeSet;

use anyhow::Context;
use larder_protocol::token::{Digest, Scope};
use larder_system::System;
use larder_tests::Larder;
use larder_tests::openapi::{Document, Operation};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::Tested;
use crate::ask::Ask;
use crate::example::Example;

/// A store with a token for each scope, which is its name, and one for ids elsewhere.
async fn start() -> anyhow::Result<Option<Larder>> {
    let entry =
        |name: &str, scopes: &[&str]| json!({"name": name, "digest": Digest::of(name).to_string(), "scopes": scopes});
    let mut entries: Vec<_> = Scope::ALL.iter().map(|scope| entry(scope.name(), &[scope.name()])).collect();
    let mut elsewhere = entry("elsewhere", &Scope::ALL.map(Scope::name));
    elsewhere["prefixes"] = json!(["elsewhere/"]);
    entries.push(elsewhere);
    Larder::own(System::builder().variable("api_tokens", &Value::from(entries).to_string())).await
}

/// The sets of scopes each of which suffices; `None` where no token is needed.
fn scopes(operation: &Operation<'_>) -> anyhow::Result<Option<Vec<BTreeSet<String>>>> {
    let alternatives = operation.node["security"].as_array().context("every operation says what it needs")?;
    let sets = alternatives.iter().filter_map(|alternative| alternative["bearer"].as_array());
    let set = |scopes: &Vec<Value>| scopes.iter().map(|scope| scope.as_str().unwrap_or_default().to_owned()).collect();
    let sets: Vec<BTreeSet<_>> = sets.map(set).collect();
    // An administrator is told more by an operation that answers everybody.
    let is_told_more = sets.iter().any(|scopes| scopes.contains(Scope::Admin.name()));
    Ok((!sets.is_empty() && !is_told_more).then_some(sets))
}

async fn send(larder: &Larder, operation: &Operation<'_>, token: Option<&str>) -> anyhow::Result<Response> {
    let mut ask = Ask::plain(operation)?;
    if let Some(token) = token {
        ask.headers.insert("authorization", format!("Bearer {token}").parse()?);
    }
    ask.send(larder).await
}

/// The type of the example with this status that is about a token.
async fn assert_refused(operation: &Operation<'_>, response: Response, kind: &str) -> Tested {
    let is_it = |example: &&Example<'_>| example.name == kind;
    let examples = Example::of(operation);
    let example = examples.iter().find(is_it).with_context(|| format!("{operation} has no example of {kind}"))?;
    assert_eq!(response.status().as_str(), example.status, "{operation} {kind}");
    if operation.method != Method::HEAD.as_str().to_ascii_lowercase() {
        let problem: Value = response.json().await?;
        assert!(problem["type"].as_str().is_some_and(|name| name.ends_with(kind)), "{operation}: {problem}");
    }
    Ok(())
}

#[tokio::test]
async fn every_operation_asks_for_the_scopes_that_it_says() -> Tested {
    let Some(larder) = start().await? else { return Ok(()) };
    for operation in Document::get().operations() {
        let needed = scopes(&operation)?;
        let stranger = send(&larder, &operation, None).await?;
        let Some(needed) = needed else {
            assert!(stranger.status().is_success(), "{operation}: {}", stranger.status());
            continue;
        };
        assert_refused(&operation, stranger, "unauthorized").await?;
        for scope in Scope::ALL {
            let response = send(&larder, &operation, Some(scope.name())).await?;
            if needed.contains(&BTreeSet::from([scope.name().to_owned()])) {
                assert!(![401, 403].contains(&response.status().as_u16()), "{operation} with {scope}");
            } else {
                assert_refused(&operation, response, "insufficient-scope").await?;
            }
        }
        // Of many ids each is refused on its own.
        let is_about_one = operation.node["responses"]["403"]["$ref"] == "#/components/responses/Forbidden";
        let outside = send(&larder, &operation, Some("elsewhere")).await?;
        match is_about_one {
            true => assert_refused(&operation, outside, "outside-prefix").await?,
            false => assert_ne!(outside.status(), 403, "{operation}"),
        }
    }
    Ok(())
}
