//! `GET /openapi.json`: this API as OpenAPI 3.1.
//!
//! The document is written by hand, as the contract that the code has to keep. The tests send its
//! examples to the running system, and hold every answer that any of them gets against it.

use std::sync::LazyLock;

use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::web::problem::Problem;
use crate::web::{header, query};

/// The document, as it is served.
pub const DOCUMENT: &str = include_str!("../../openapi.json");

static TAG: LazyLock<ETag> = LazyLock::new(|| {
    let digest = Sha256::digest(DOCUMENT);
    format!("\"{digest:x}\"").parse().expect("hexadecimal digits in quotes are an entity tag")
});

/// Answers the document, or 304 where the client has it.
///
/// # Errors
/// `invalid-query`: it knows no parameter.
pub fn get<B>(request: &Request<B>) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    let mut response = Response::new(Bytes::new());
    response.headers_mut().typed_insert(TAG.clone());
    response.headers_mut().insert(CACHE_CONTROL, header::REVALIDATE);
    if request.headers().typed_get::<IfNoneMatch>().is_some_and(|tags| !tags.precondition_passes(&TAG)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(CONTENT_TYPE, header::JSON);
        *response.body_mut() = Bytes::from_static(DOCUMENT.as_bytes());
    }
    Ok(response)
}
