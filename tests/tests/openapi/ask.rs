//! Requests that the document describes.

use anyhow::Context;
use larder_tests::Larder;
use larder_tests::openapi::{Node, Operation};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use serde_json::{Number, Value};

/// A request to an operation.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Ask {
    /// The request that the examples with this name make; `None` where the path or the body has
    /// none, because the name is one of another operation.
    pub fn named(operation: &Operation<'_>, name: &str) -> anyhow::Result<Option<Self>> {
        Self::of(operation, |place, _| Some(place.get("examples")?.get(name)?.value()["value"].clone()))
    }

    /// A request that is good enough for the operation: the first example of all that it requires.
    pub fn plain(operation: &Operation<'_>) -> anyhow::Result<Self> {
        let first = |place: &Node<'_>| Some(place.entries_of("examples").first()?.1.value()["value"].clone());
        let plain = Self::of(operation, |place, required| required.then(|| first(place))?)?;
        plain.with_context(|| format!("{operation} requires what has no example"))
    }

    /// Puts a request together of what `choose` takes from each parameter, and from the first
    /// content of the body that has it; told is also whether that is required.
    fn of(
        operation: &Operation<'_>,
        choose: impl Fn(&Node<'_>, bool) -> Option<Value>,
    ) -> anyhow::Result<Option<Self>> {
        let (mut path, mut query, mut headers) = (operation.path.to_owned(), Vec::new(), HeaderMap::new());
        for parameter in operation.parameters() {
            let (name, place) = (parameter.text("name"), parameter.text("in"));
            let Some(value) = choose(&parameter, place == "path").as_ref().map(text) else {
                if place == "path" {
                    return Ok(None);
                }
                continue;
            };
            match place {
                "path" => path = path.replace(&format!("{{{name}}}"), &encode(&value)),
                "query" => query.push(format!("{name}={}", encode(&value))),
                _ => {
                    headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(&value)?);
                }
            }
        }
        let mut body = Vec::new();
        if let Some(content) = operation.node.get("requestBody").and_then(|body| body.get("content")) {
            let chosen = content.entries().into_iter().find_map(|(media, node)| Some((choose(&node, true)?, media)));
            let Some((value, media)) = chosen else { return Ok(None) };
            body = match (media.as_str(), &value) {
                (json, value) if json.ends_with("+json") || json == "application/json" => serde_json::to_vec(value)?,
                (_, Value::Array(lines)) => lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect(),
                (_, value) => text(value).into_bytes(),
            };
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&media)?);
        }
        let method = Method::from_bytes(operation.method.to_ascii_uppercase().as_bytes())?;
        Ok(Some(Self { method, path, query: query.join("&"), headers, body }))
    }

    /// Changes what an `x-larder-request` says: path parameters and query as they go over the
    /// wire, headers, and the body; or how large these are.
    pub fn change(mut self, operation: &Operation<'_>, changes: &Value) -> anyhow::Result<Self> {
        for (what, change) in changes.as_object().context("x-larder-request is no object")? {
            match (what.as_str(), change) {
                ("path", Value::Object(parameters)) => {
                    self.path = operation.path.to_owned();
                    for (name, value) in parameters {
                        self.path = self.path.replace(&format!("{{{name}}}"), &text(value));
                    }
                }
                ("query", Value::String(query)) => self.query.clone_from(query),
                ("headers", Value::Object(headers)) => {
                    for (name, value) in headers {
                        let value = HeaderValue::from_bytes(text(value).as_bytes())?;
                        self.headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
                    }
                }
                ("body", Value::String(body)) => self.body = body.clone().into_bytes(),
                ("body_bytes", Value::Number(size)) => {
                    self.body = vec![b'x'; number(size)?];
                }
                ("body_lines", Value::Number(count)) => self.body = b"{}\n".repeat(number(count)?),
                ("query_bytes", Value::Number(size)) => {
                    let rest = (self.path.len() + 1).min(number(size)?);
                    self.query = "x".repeat(number(size)? - rest);
                }
                ("header_bytes", Value::Number(size)) => {
                    self.headers.insert("x-padding", HeaderValue::try_from("x".repeat(number(size)?))?);
                }
                _ => anyhow::bail!("x-larder-request cannot have {what}: {change}"),
            }
        }
        Ok(self)
    }

    /// Sends it.
    pub async fn send(&self, larder: &Larder) -> anyhow::Result<Response> {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let request = larder.request(self.method.clone(), &format!("{}{query}", self.path));
        Ok(request.headers(self.headers.clone()).body(self.body.clone()).send().await?)
    }
}

fn number(size: &Number) -> anyhow::Result<usize> {
    Ok(usize::try_from(size.as_u64().context("a size is a whole number")?)?)
}

/// A value as it stands in a path, a query or a header.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As a client made from the document does it: slashes are escaped too.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
