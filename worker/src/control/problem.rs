//! How somebody hears that the control server did not do it (RFC 9457).
//!
//! The status says what kind of problem it is, so there is no `type` but the usual one (RFC 9457 §4.2.1).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request was not done.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

#[derive(Serialize)]
struct Document {
    title: Option<&'static str>,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn forbidden(detail: &str) -> Self {
        Self { status: StatusCode::FORBIDDEN, detail: detail.to_owned() }
    }

    /// The request names what cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: detail.into() }
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, detail: detail.into() }
    }

    /// It is there, and cannot be changed like that.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, detail: detail.into() }
    }

    /// Redis did not do it.
    pub fn unavailable(error: &anyhow::Error) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, detail: format!("{error:#}") }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

/// The answer to a method that the path does not have.
pub async fn method_not_allowed() -> Problem {
    let detail = "There are GET, DELETE for a letter, and POST for its retry.".to_owned();
    Problem { status: StatusCode::METHOD_NOT_ALLOWED, detail }
}

/// The answer to a path that is none.
pub async fn no_such_path() -> Problem {
    Problem::not_found("There is /dead, /dead/letters and /dead/letters/{name}.")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, detail } = self;
        let document = Document { title: status.canonical_reason(), status: status.as_u16(), detail };
        (status, [(CONTENT_TYPE, "application/problem+json")], Json(document)).into_response()
    }
}
