//! Holding an answer against the document.

use anyhow::{Context, bail, ensure};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::document::{Document, Node};

/// Headers that any answer may have: those of the connection, and those that every answer has or
/// that CORS, a token's rate or a clock adds, of which only the document's introduction speaks.
const GENERAL: [&str; 13] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "ratelimit",
    "ratelimit-policy",
    "server-timing",
    "vary",
    "x-content-type-options",
];

impl Document {
    /// Checks an answer: its status is documented for the request, its headers are those that are
    /// documented, and its body fits the schema.
    ///
    /// # Errors
    /// What is not as documented.
    pub fn check(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> anyhow::Result<()> {
        let response = self.response(method, path, status)?;
        check_headers(&response, headers)?;
        let body = (*method != Method::HEAD).then_some(body);
        check_body(&response, headers, body)
    }

    fn response(&self, method: &Method, path: &str, status: StatusCode) -> anyhow::Result<Node<'_>> {
        if let Some(operation) = self.find(method.as_str(), path) {
            let of_status = operation.node.get("responses").and_then(|all| all.get(status.as_str()));
            return of_status.with_context(|| format!("{operation} has no status {status} in the document"));
        }
        let (name, expected) = match (status, self.paths(path).next()) {
            // These come before anybody looks what the path names.
            (StatusCode::URI_TOO_LONG, _) => ("TargetTooLong", status),
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, _) => ("HeadersTooLarge", status),
            (_, Some(_)) => ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED),
            (_, None) => ("NoSuchPath", StatusCode::NOT_FOUND),
        };
        ensure!(status == expected, "the document has no {method} {path}, so {expected} would be right");
        self.at(&format!("/components/responses/{name}")).context(name)
    }
}

fn check_headers(response: &Node<'_>, headers: &HeaderMap) -> anyhow::Result<()> {
    let documented = response.entries_of("headers");
    for (name, header) in &documented {
        let required = header.get("required").is_some_and(|required| required.value() == true);
        ensure!(!required || headers.contains_key(name), "the header {name} is missing");
    }
    for (name, value) in headers.iter().filter(|(name, _)| !GENERAL.contains(&name.as_str())) {
        let is_it = |(known, header): &&(String, Node<'_>)| match header.text("x-larder-prefix") {
            "" => known.eq_ignore_ascii_case(name.as_str()),
            family => name.as_str().starts_with(&family.to_ascii_lowercase()),
        };
        let (_, header) =
            documented.iter().find(is_it).with_context(|| format!("the header {name} is not in the document"))?;
        let schema = header.get("schema").with_context(|| format!("the header {name} has no schema"))?;
        let text = value.to_str().with_context(|| format!("the header {name} is not ASCII"))?;
        // OpenAPI writes a number in a header as its digits.
        let number = text.parse::<u64>().ok().map(Value::from);
        let as_text = schema.validate(&Value::from(text));
        number.map_or(as_text, |number| schema.validate(&number)).with_context(|| format!("the header {name}"))?;
    }
    Ok(())
}

/// Checks the content type, and the body unless the request was `HEAD`.
fn check_body(response: &Node<'_>, headers: &HeaderMap, body: Option<&[u8]>) -> anyhow::Result<()> {
    let Some(content) = response.get("content") else {
        ensure!(body.is_none_or(<[u8]>::is_empty), "there is a body, and the document has none");
        return Ok(());
    };
    let content_type = headers.get(CONTENT_TYPE).context("there is no content type")?.to_str()?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let Some(media) = content.get(essence).or_else(|| content.get("*/*")) else {
        bail!("the content type {content_type} is not in the document");
    };
    let Some(body) = body else { return Ok(()) };
    if let Some(schema) = media.get("schema") {
        schema.validate(&parse(essence, body)?)?;
    }
    Ok(())
}

/// The value that a body is: NDJSON is an array of its lines, what is not JSON is a text.
///
/// # Errors
/// Where it is none.
pub fn parse(media_type: &str, body: &[u8]) -> anyhow::Result<Value> {
    let text = || std::str::from_utf8(body).context("the body is not UTF-8");
    Ok(match media_type {
        "application/x-ndjson" => text()?.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?.into(),
        json if json.ends_with("json") => serde_json::from_slice(body)?,
        _ => Value::from(text()?),
    })
}
