//! The document and the code have the same problems, headers, limits, resources and methods.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use larder_api::header;
use larder_api::problem::{Kind, TYPE_PREFIX};
use larder_api::route::{Resource, Route};
use larder_local::system::System;
use larder_protocol::limits;
use larder_tests::Larder;
use larder_tests::openapi::{Document, Node, awaited};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::Tested;
use crate::ask::Ask;

fn at(pointer: &str) -> anyhow::Result<Node<'static>> {
    Document::get().at(pointer).with_context(|| format!("there is no {pointer}"))
}

#[test]
fn the_version_is_ours() -> Tested {
    assert_eq!(*at("/info/version")?, env!("CARGO_PKG_VERSION"));
    Ok(())
}

/// All types, with their titles; and each stands where answers with its status are described.
#[test]
fn the_problems_are_those_of_the_code() -> Tested {
    let kinds: BTreeMap<_, _> = Kind::iter().map(|kind| (format!("{TYPE_PREFIX}{}", kind.parts().1), kind)).collect();
    let pending: BTreeSet<_> = awaited::PROBLEMS.iter().map(|name| format!("{TYPE_PREFIX}{name}")).collect();
    assert!(pending.iter().all(|name| !kinds.contains_key(name)), "what is there is not awaited");

    let listed = at("/components/schemas/ProblemType/oneOf")?;
    let listed =
        listed.as_array().context("a list")?.iter().map(|entry| (text(&entry["const"]), text(&entry["title"])));
    let listed: BTreeMap<_, _> = listed.filter(|(name, _)| !pending.contains(name)).collect();
    let expected = kinds.iter().map(|(name, kind)| (name.clone(), kind.parts().2.to_owned())).collect();
    assert_eq!(listed, expected);

    let mut described = BTreeSet::new();
    let operations = Document::get().operations().flat_map(|operation| operation.node.entries_of("responses"));
    let others = [("405", "MethodNotAllowed"), ("404", "NoSuchPath")];
    let others = others.map(|(status, name)| Ok((status.to_owned(), at(&format!("/components/responses/{name}"))?)));
    let responses: Vec<_> = operations.map(Ok).chain(others).collect::<anyhow::Result<_>>()?;
    for (status, response) in responses {
        let types = response.value().pointer("/content/application~1problem+json/schema/properties/type/enum");
        for name in types.and_then(Value::as_array).into_iter().flatten().map(text) {
            if let Some(kind) = kinds.get(&name) {
                ensure!(kind.parts().0.as_str() == status, "{name} stands under {status} in {}", response.pointer);
                described.insert(name);
            }
        }
    }
    let missing: Vec<_> = kinds.keys().filter(|name| !described.contains(*name)).collect();
    assert!(missing.is_empty(), "no operation answers {missing:?}");
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_headers_are_those_of_the_code() {
    let mut documented = BTreeSet::new();
    for operation in Document::get().operations() {
        let parameters = operation.parameters().into_iter().filter(|parameter| parameter.text("in") == "header");
        documented.extend(parameters.map(|parameter| parameter.text("name").to_ascii_lowercase()));
        for (_, response) in operation.node.entries_of("responses") {
            documented.extend(response.entries_of("headers").into_iter().map(|(name, _)| name.to_ascii_lowercase()));
        }
    }
    let missing: Vec<_> = header::NAMES.iter().filter(|name| !documented.contains(**name)).collect();
    assert!(missing.is_empty(), "the document lacks {missing:?}");
    let is_ours = |name: &&String| name.starts_with("larder-") && !name.starts_with("larder-meta-");
    let unknown: Vec<_> =
        documented.iter().filter(is_ours).filter(|name| !header::NAMES.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "the code lacks {unknown:?}");
}

#[test]
fn the_limits_are_those_of_the_code() -> Tested {
    for (pointer, limit) in [
        ("/components/schemas/ItemId/maxLength", json!(limits::MAX_ID_BYTES)),
        ("/components/schemas/ContentType/maxLength", json!(limits::MAX_CONTENT_TYPE_BYTES)),
        ("/components/schemas/Ttl/maximum", json!(limits::MAX_TTL_SECONDS)),
        ("/components/parameters/Ttl/schema/maximum", json!(limits::MAX_TTL_SECONDS)),
        ("/components/headers/RetryAfter/schema/const", json!(limits::RETRY_AFTER.as_secs())),
        (
            "/components/examples/value-too-large/x-larder-request/body_bytes",
            json!(limits::DEFAULT_MAX_VALUE_BYTES + 1),
        ),
    ] {
        assert_eq!(*at(pointer)?, limit, "{pointer}");
    }
    let hours = |duration: std::time::Duration| duration.as_secs() / 3600;
    for (pointer, says) in [
        ("/components/parameters/ItemId/description", format!("1 to {} bytes", limits::MAX_ID_BYTES)),
        ("/components/schemas/ItemId/description", format!("1 to {} bytes", limits::MAX_ID_BYTES)),
        ("/components/parameters/Prefer/description", format!("{} by default", limits::DEFAULT_MAX_WAIT_SECONDS)),
        ("/components/parameters/Prefer/description", format!("{} at most", limits::MAX_CONFIGURABLE_WAIT_SECONDS)),
        ("/components/parameters/Prefer/description", format!("waits {} s", limits::CONDITIONAL_WAIT_SECONDS)),
        ("/components/parameters/WriteIfMatch/description", format!("at most {} rev", limits::MAX_ENTITY_TAGS)),
        ("/components/parameters/IdempotencyKey/description", format!("{} bytes", limits::MAX_IDEMPOTENCY_KEY_BYTES)),
        ("/components/parameters/IdempotencyKey/description", format!("{} hours", hours(limits::IDEMPOTENCY_KEPT))),
        (
            "/components/parameters/IdempotencyKey/schema/pattern",
            format!("{{1,{}}}", limits::MAX_IDEMPOTENCY_KEY_BYTES),
        ),
        ("/paths/~1items~1{id}/put/description", format!("{} MiB", limits::DEFAULT_MAX_VALUE_BYTES / 1024 / 1024)),
        ("/paths/~1items~1{id}/put/description", format!("{} bytes", limits::MAX_CONTENT_TYPE_BYTES)),
        ("/paths/~1health~1ready/get/description", format!("within {} s", limits::HEARTBEAT_EXPIRY.as_secs())),
        ("/paths/~1health~1ready/get/description", format!("more than {} s", limits::READY_MAX_LAG.as_secs())),
    ] {
        assert!(text(at(pointer)?.value()).contains(&says), "{pointer} does not say {says:?}");
    }
    assert_eq!(hours(limits::OUTCOME_KEPT), 1, "the document says \"an hour\"");
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
    let missing: Vec<_> = Resource::iter().filter(|resource| !named.contains(resource)).collect();
    assert!(missing.is_empty(), "the document lacks {missing:?}");
    Ok(())
}

#[tokio::test]
async fn the_methods_and_the_queries_are_those_of_the_code() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let mut methods: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for operation in Document::get().operations() {
        let ask = Ask::plain(&operation)?;
        methods.entry(ask.path.clone()).or_default().insert(ask.method.to_string());
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
    for (path, documented) in methods {
        let answer = larder.request(Method::PATCH, &path).send().await?;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers()["allow"].to_str()?;
        assert_eq!(allowed.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), documented, "{path}");
    }
    Ok(())
}

/// The answer to `HEAD` has no body to read.
fn as_get(method: &Method) -> Method {
    if *method == Method::HEAD { Method::GET } else { method.clone() }
}

/// Once something is there, it is no longer awaited.
#[tokio::test]
async fn what_is_awaited_is_not_there() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    for (method, path) in awaited::OPERATIONS {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())?;
        let status = larder.request(method.clone(), path.unwrap_or("/health/live")).send().await?.status();
        let absent = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::BAD_REQUEST];
        assert!(absent.contains(&status), "{method} {path:?} is there: {status}");
    }
    Ok(())
}
