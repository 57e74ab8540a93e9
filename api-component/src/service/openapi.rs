//! `GET /openapi.json`: this API as OpenAPI 3.1.
//!
//! The document is written by hand, as the contract that the code has to keep. The tests send its
//! examples to the running system, and hold every answer that any of them gets against it.
//!
//! In the component it is compressed, a seventh of its size. Who takes no gzip gets it unpacked, and each of the two
//! has an entity tag of its own (RFC 9110 §8.8.3.3).

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress};
use headers::{HeaderMapExt, IfNoneMatch};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::web::coding::{self, GZIP};
use crate::web::problem::Problem;
use crate::web::{header, query};

/// The document, compressed by the build script.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// What is compressed of it, and the length of the document: between head and tail of a gzip file (RFC 1952), which is
/// not checked once more: that takes a table of 16 KB.
const DEFLATED: (&[u8], usize) = {
    let (_, rest) = PACKED.split_at(10);
    let (deflated, tail) = rest.split_at(rest.len() - 8);
    (deflated, u32::from_le_bytes([tail[4], tail[5], tail[6], tail[7]]) as usize)
};

/// The entity tags: of the document as it is, and of the compressed one.
const TAG: HeaderValue = HeaderValue::from_static(concat!("\"", env!("LARDER_OPENAPI_DIGEST"), "\""));
const PACKED_TAG: HeaderValue = HeaderValue::from_static(concat!("\"", env!("LARDER_OPENAPI_DIGEST"), "-gzip\""));

/// The document, as who takes no gzip gets it.
#[must_use]
pub fn document() -> Vec<u8> {
    let (packed, length) = DEFLATED;
    let mut document = Vec::with_capacity(length);
    let unpacked = Decompress::new(false).decompress_vec(packed, &mut document, FlushDecompress::Finish);
    unpacked.expect("the build script compressed it");
    document
}

/// Answers the document, or 304 where the client has it.
///
/// # Errors
/// `invalid-query`: it knows no parameter.
pub fn get<B>(request: &Request<B>) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    let is_packed = coding::accepts_gzip(request.headers());
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(ETAG, if is_packed { PACKED_TAG } else { TAG });
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    headers.insert(CACHE_CONTROL, header::REVALIDATE);
    let tag = headers.typed_get().expect("hexadecimal digits in quotes are an entity tag");
    if request.headers().typed_get::<IfNoneMatch>().is_some_and(|tags| !tags.precondition_passes(&tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    headers.insert(CONTENT_TYPE, header::JSON);
    if is_packed {
        headers.insert(CONTENT_ENCODING, GZIP);
    }
    *response.body_mut() = if is_packed { Bytes::from_static(PACKED) } else { document().into() };
    Ok(response)
}
