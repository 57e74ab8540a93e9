//! The request as the handler takes it, with as few calls to the host as that needs: each costs about a microsecond.
//!
//! So what Larder has no use for stays with the host: scheme, authority, options, and the body of a request that
//! nobody reads. A body of which the length is known is read to that length, and not asked for its end and its
//! trailers, which would be two more waits.

use std::fmt;

use bytes::Bytes;
use futures::stream::{self, Stream};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use larder_api::route::NoRoute;
use spin_sdk::wasip3::http::types::{ErrorCode, Request as WasiRequest, Trailers};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult};
use spin_sdk::wasip3::wit_future;

/// How much of a body is taken from the host at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Takes the head over. The body stays a stream, so that the handler reads no more of it than it
/// allows.
///
/// # Errors
/// Where the target is not a path, such as `*`.
pub fn read(incoming: WasiRequest) -> Result<Request<impl Body<Data = Bytes, Error: fmt::Display>>, NoRoute> {
    let target = incoming.get_path_with_query().and_then(|target| target.parse::<Uri>().ok());
    let target = target.ok_or(NoRoute::NoSuchPath)?;
    let method = incoming.get_method().try_into().map_err(|_| NoRoute::NoSuchPath)?;
    let fields = incoming.get_headers().copy_all();
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        // The host has let no others in.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut request = Request::new(StreamBody::new(frames(incoming, declared)));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, target, headers);
    Ok(request)
}

/// A body, of which so many bytes are still to come, where that is known.
struct Incoming {
    source: Source,
    left: Option<usize>,
}

enum Source {
    /// Nobody has asked for it.
    Untouched(WasiRequest),
    Open(Open),
}

struct Open {
    bytes: StreamReader<u8>,
    /// How it ended.
    end: FutureReader<Result<Option<Trailers>, ErrorCode>>,
    /// Tells the host, once it is dropped, that all is well here.
    _received: FutureWriter<Result<(), ErrorCode>>,
}

impl Source {
    fn open(self) -> Open {
        match self {
            Self::Untouched(request) => {
                let (received, receiving) = wit_future::new(|| Ok(()));
                let (bytes, end) = WasiRequest::consume_body(request, receiving);
                Open { bytes, end, _received: received }
            }
            Self::Open(open) => open,
        }
    }
}

fn frames(request: WasiRequest, left: Option<usize>) -> impl Stream<Item = Result<Frame<Bytes>, ErrorCode>> {
    stream::try_unfold(Incoming { source: Source::Untouched(request), left }, next)
}

async fn next(incoming: Incoming) -> Result<Option<(Frame<Bytes>, Incoming)>, ErrorCode> {
    let Incoming { source, left } = incoming;
    if left == Some(0) {
        return Ok(None);
    }
    let mut open = source.open();
    let buffer = Vec::with_capacity(left.unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES));
    let (result, chunk) = open.bytes.read(buffer).await;
    if !matches!(result, StreamResult::Complete(_)) {
        open.end.await?;
        return match left {
            Some(_) => Err(ErrorCode::InternalError(Some("the body ended early".to_owned()))),
            None => Ok(None),
        };
    }
    let left = left.map(|left| left - chunk.len());
    Ok(Some((Frame::data(chunk.into()), Incoming { source: Source::Open(open), left })))
}
