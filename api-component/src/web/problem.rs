//! How a client hears that a request failed: the only place that turns errors into HTTP (RFC 9457,
//! `application/problem+json`).
//!
//! It knows of no error in particular. Each room has error types of its own, and says beside them
//! which [`Kind`] of problem they are; a kind has one status and one stable `type`, meant for
//! programs. The `detail` says what would be right and is meant for people. What went wrong inside
//! goes to the log, not to the client.

mod kind;

use std::fmt::Display;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use larder_protocol::limits;
use serde::Serialize;

use super::header;
use super::log::{Field, Level, Log};

pub use kind::Kind;

/// What every problem `type` starts with.
pub const TYPE_PREFIX: &str = "urn:larder:problem:";

/// Why a request was not done. It is one pointer, because most functions can answer one: what they answer stays small,
/// and so does the code that hands it on.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Problem(Box<Content>);

#[derive(Debug)]
struct Content {
    kind: Kind,
    detail: String,
    /// The place in a document that it is about.
    pointer: Option<String>,
    /// Headers that go with it.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What the operator shall read and the client shall not.
    cause: Option<String>,
}

/// A problem as the client reads it (RFC 9457 §3.1).
#[derive(Debug, Serialize)]
pub struct Document {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl Problem {
    /// A problem that the client is told all of; `detail` is a sentence or two.
    pub fn new(kind: Kind, detail: impl Display) -> Self {
        Self(Box::new(Content { kind, detail: detail.to_string(), pointer: None, headers: vec![], cause: None }))
    }

    /// A problem of ours: its cause goes to the log only.
    pub fn internal(cause: impl Display) -> Self {
        Self::new(Kind::Internal, "Something is wrong on our side; the log of the service says what.").caused_by(cause)
    }

    /// Adds what the operator shall read and the client shall not.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds the place in a document that it is about (RFC 6901).
    #[must_use]
    pub fn with_pointer(mut self, pointer: &str) -> Self {
        self.0.pointer = Some(pointer.to_owned());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Which problem it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.kind.parts().0
    }

    /// It may go better later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// What the operator shall read; `None` where the client is told all.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// How much it matters to the operator.
    #[must_use]
    pub fn level(&self) -> Level {
        match self.status() {
            status if self.is_temporary() || status == StatusCode::TOO_MANY_REQUESTS => Level::Warn,
            status if status.is_server_error() => Level::Error,
            _ => Level::Info,
        }
    }

    /// What the log calls it.
    #[must_use]
    pub fn said(&self) -> &'static str {
        if self.status().is_server_error() { "failed" } else { "refused" }
    }

    /// Logs it, behind what the request was; not where it is an answer like others.
    pub fn log(&self, log: Log, request: impl IntoIterator<Item = Field>) {
        if self.0.kind.is_refusal() {
            log.line(self.level(), self.said(), request.into_iter().chain(self.fields()));
        }
    }

    /// What the log tells of it. The detail is not among it: it may quote what the client sent.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        let (status, name, _) = self.0.kind.parts();
        let cause = self.cause().map(|cause| ("cause", cause.into()));
        [("status", status.as_u16().into()), ("problem", name.into())].into_iter().chain(cause)
    }

    /// The problem as the client reads it.
    #[must_use]
    pub fn document(&self) -> Document {
        let (status, name, title) = self.0.kind.parts();
        let (detail, pointer) = (self.0.detail.clone(), self.0.pointer.clone());
        Document { r#type: format!("{TYPE_PREFIX}{name}"), title, status: status.as_u16(), detail, pointer }
    }
}

impl From<Problem> for Response<Bytes> {
    fn from(problem: Problem) -> Self {
        let body = serde_json::to_vec(&problem.document()).expect("strings and a number always serialize");
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = problem.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, header::PROBLEM_JSON);
        headers.insert(CACHE_CONTROL, header::NO_STORE);
        if problem.is_temporary() {
            headers.insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER.as_secs()));
        }
        headers.extend(problem.0.headers);
        response
    }
}
