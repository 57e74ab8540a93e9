//! Hands a response to the host with its body already under way.
//!
//! The host sends the head as soon as it has the response. A body that starts only then travels in
//! a TCP segment of its own, and a client on a kept-alive connection waits for a delayed
//! acknowledgement (40 ms) in between. So as much of the body as the host takes at once, up to a
//! mebibyte, is written before.

use bytes::Bytes;
use http::Response;
use larder_api::web::header;
use larder_protocol::limits::MAX_STALL;
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::poll::poll;
use wasi::io::streams::{OutputStream, StreamError};

/// Sends `response`, then what is more, each when it is there; returns when the host has all of it, the client has gone,
/// or it takes nothing of what is more for [`MAX_STALL`].
pub fn send(mut response: Response<Bytes>, more: Option<impl Iterator<Item = Bytes>>, out: ResponseOutparam) {
    if more.is_none() {
        header::insert_length(&mut response);
    }
    let (head, content) = response.into_parts();
    let fields: Vec<_> =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let fields = Fields::from_list(&fields).expect("no header of ours is forbidden by the host");
    let outgoing = OutgoingResponse::new(fields);
    outgoing.set_status_code(head.status.as_u16()).expect("a status of ours is between 100 and 599");
    let body = outgoing.body().expect("nobody else has taken the body");
    let stream = body.write().expect("nobody else has taken the stream");

    let started = write_some(&stream, &content);
    ResponseOutparam::set(out, Ok(outgoing));
    // Where it fails, the client is gone, and nobody waits for the rest.
    let is_patient = more.is_none();
    let wait = || {
        if is_patient {
            stream.subscribe().block();
            return Ok(());
        }
        let (room, stalled) = (stream.subscribe(), subscribe_duration(MAX_STALL.as_nanos() as u64));
        if poll(&[&room, &stalled]).contains(&0) { Ok(()) } else { Err(StreamError::Closed) }
    };
    let written = started.and_then(|written| write_rest(&stream, &content[written..], wait));
    let mut more = more.into_iter().flatten();
    let written = written.and_then(|()| more.try_for_each(|part| write_rest(&stream, &part, wait)));
    drop(stream);
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Writes what the host takes without waiting, and tells how much it was.
fn write_some(stream: &OutputStream, content: &[u8]) -> Result<usize, StreamError> {
    let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
    let length = room.min(content.len());
    if length > 0 {
        stream.write(&content[..length])?;
    }
    Ok(length)
}

fn write_rest(
    stream: &OutputStream,
    mut content: &[u8],
    wait: impl Fn() -> Result<(), StreamError>,
) -> Result<(), StreamError> {
    while !content.is_empty() {
        wait()?;
        content = &content[write_some(stream, content)?..];
    }
    Ok(())
}
