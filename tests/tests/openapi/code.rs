//! The document and the code have the same version, resources, methods, queries and headers.

use std::collections::BTreeSet;

use anyhow::Context;
use larder_api::route::{Resource, Route};
use larder_api::web::header;
use larder_system::System;
use larder_tests::Larder;
use larder_tests::openapi::{Document, Node};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use strum::IntoEnumIterator;

use crate::Tested;
use crate::ask::Ask;

pub fn at(pointer: &str) -> anyhow::Result<Node<'static>> {
    Document::get().at(pointer).with_context(|| format!("there is no {pointer}"))
}

#[test]
fn the_version_is_ours() -> Tested {
    assert_eq!(*at("/info/version")?, env!("CARGO_PKG_VERSION"));
    Ok(())
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The names of all headers of requests and of answers, in lower case. Metadata is left out.
fn headers() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut of_requests, mut of_answers) = (BTreeSet::new(), BTreeSet::new());
    for operation in Document::get().operations() {
        let parameters = operation.parameters().into_iter().filter(|parameter| parameter.text("in") == "header");
        of_requests.extend(parameters.map(|parameter| parameter.text("name").to_ascii_lowercase()));
        for (_, response) in operation.node.entries_of("responses") {
            of_answers.extend(response.entries_of("headers").into_iter().map(|(name, _)| name.to_ascii_lowercase()));
        }
    }
    of_requests.retain(|name| !name.starts_with(header::METADATA_PREFIX));
    of_answers.retain(|name| !name.starts_with(header::METADATA_PREFIX));
    (of_requests, of_answers)
}

#[test]
fn the_headers_are_those_of_the_code() {
    let (of_requests, of_answers) = headers();
    let documented: BTreeSet<_> = of_requests.union(&of_answers).map(String::as_str).collect();
    let missing: Vec<_> = header::NAMES.iter().filter(|name| !documented.contains(**name)).collect();
    assert!(missing.is_empty(), "the document lacks {missing:?}");
    let is_ours = |name: &&&str| name.starts_with("larder-");
    let unknown: Vec<_> = documented.iter().filter(is_ours).filter(|name| !header::NAMES.contains(name)).collect();
    assert!(unknown.is_empty(), "the code lacks {unknown:?}");
}

/// CORS has to list the headers, so it knows also of those that are not Larder's own.
#[tokio::test]
async fn the_headers_are_those_that_browsers_are_told() -> Tested {
    let Some(larder) = Larder::own(System::builder().variable("cors_origins", "*")).await? else { return Ok(()) };
    let told = async |method: Method, name: &str| -> anyhow::Result<BTreeSet<String>> {
        let request = larder.request(method, "/items/a").header("origin", "https://app.example");
        let answer = request.header("access-control-request-method", "PUT").send().await?;
        Ok(answer.headers()[name].to_str()?.split(", ").map(str::to_owned).collect())
    };
    let (mut of_requests, mut of_answers) = headers();
    // In OpenAPI these are no parameters.
    of_requests.extend(["authorization", "content-type"].map(str::to_owned));
    assert_eq!(told(Method::OPTIONS, "access-control-allow-headers").await?, of_requests);
    // These a page may read anyway, or they are for the browser.
    let for_browsers =
        ["cache-control", "content-encoding", "last-modified", "content-security-policy", "x-content-type-options"];
    of_answers.retain(|name| !for_browsers.contains(&name.as_str()) && !name.starts_with("access-control-"));
    assert_eq!(told(Method::GET, "access-control-expose-headers").await?, of_answers);
    Ok(())
}

#[test]
fn the_resources_are_those_of_the_code() -> Tested {
    let mut named = Vec::new();
    for operation in Document::get().operations() {
        let path = Ask::plain(&operation)?.path;
        let route = Route::of(&path).map_err(|problem| anyhow::anyhow!("{path}: {problem}"))?;
        named.push(Resource::from(route));
    }
    // A page for people, which no client made from this document asks for.
    named.push(Resource::Console);
    let missing: Vec<_> = Resource::iter().filter(|resource| !named.contains(resource)).collect();
    assert!(missing.is_empty(), "the document lacks {missing:?}");
    Ok(())
}

#[tokio::test]
async fn the_methods_and_the_queries_are_those_of_the_code() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut paths = BTreeSet::new();
    for operation in Document::get().operations() {
        let ask = Ask::plain(&operation)?;
        paths.insert(ask.path.clone());
        if ask.method == Method::OPTIONS {
            continue;
        }
        let answer =
            Ask { query: "no-such-parameter=1".to_owned(), method: as_get(&ask.method), ..ask }.send(&larder).await?;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{operation}");
        let detail = text(&answer.json::<Value>().await?["detail"]);
        let known = detail.split_once("known are: ").map(|(_, names)| names.trim_end_matches('.').split(", "));
        let known: BTreeSet<_> = known.into_iter().flatten().collect();
        let parameters = operation.parameters();
        let documented = parameters.iter().filter(|parameter| parameter.text("in") == "query");
        assert_eq!(known, documented.map(|parameter| parameter.text("name")).collect(), "{operation}: {detail}");
    }
    for path in paths {
        let answer = larder.request(Method::TRACE, &path).send().await?;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed: BTreeSet<_> = answer.headers()["allow"].to_str()?.split(", ").map(str::to_owned).collect();
        let documented = Document::get().methods(&path).map(str::to_ascii_uppercase).collect();
        assert_eq!(allowed, documented, "{path}");
    }
    Ok(())
}

/// The answer to `HEAD` has no body to read.
fn as_get(method: &Method) -> Method {
    if *method == Method::HEAD { Method::GET } else { method.clone() }
}
