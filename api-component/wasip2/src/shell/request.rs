//! The request as the handler takes it.

use std::{fmt, iter};

use bytes::Bytes;
use futures::stream;
use http::{Request, Uri};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use larder_api::route::NoRoute;
use wasi::http::types::{IncomingBody, IncomingRequest, Method};
use wasi::io::streams::{Error, StreamError};

/// How much of a body is taken from the host at once.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Takes the head over. The body stays a stream, so that the handler reads no more of it than it
/// allows.
///
/// # Errors
/// Where the target is not a path, such as `*`.
pub fn read(incoming: IncomingRequest) -> Result<Request<impl Body<Data = Bytes, Error: fmt::Display>>, NoRoute> {
    let target: Uri = incoming.path_with_query().and_then(|target| target.parse().ok()).ok_or(NoRoute::NoSuchPath)?;
    let mut request = Request::builder().method(method(&incoming.method())).uri(target);
    for (name, value) in incoming.headers().entries() {
        request = request.header(name, value);
    }
    let body = incoming.consume().expect("nobody else has taken the body");
    request.body(StreamBody::new(stream::iter(frames(body)))).map_err(|_| NoRoute::NoSuchPath)
}

fn frames(body: IncomingBody) -> impl Iterator<Item = Result<Frame<Bytes>, Error>> {
    let stream = body.stream().expect("nobody else has taken the stream");
    // The stream is a part of the body, so it has to go first, as the fields of a tuple do.
    let held = (stream, body);
    iter::from_fn(move || {
        let (stream, _body) = &held;
        match stream.blocking_read(CHUNK_BYTES) {
            Ok(bytes) => Some(Ok(Frame::data(bytes.into()))),
            Err(StreamError::Closed) => None,
            Err(StreamError::LastOperationFailed(error)) => Some(Err(error)),
        }
    })
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}
