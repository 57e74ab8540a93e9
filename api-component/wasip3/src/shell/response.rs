//! Hands a response to the host with its body already under way.
//!
//! The host sends head and body as it gets them. Where the body starts only after the head has
//! left, they travel in two TCP segments, and a client on a kept-alive connection waits for a
//! delayed acknowledgement (40 ms) in between. So the write of the body starts before the
//! response is returned, and only what does not fit at once is left to a task of its own.

use bytes::Bytes;
use futures::poll;
use http::{Response, StatusCode};
use larder_api::web::header;
use spin_sdk::wasip3::http::types::{Fields, Response as WasiResponse};
use spin_sdk::wasip3::{wit_future, wit_stream};
use wit_bindgen::spawn;

/// What comes after a body.
pub trait More: 'static {
    /// The next of it, once it is there; `None` at the end.
    async fn next(&mut self) -> Option<Bytes>;
}

/// Starts sending `response`, and then what is more.
pub async fn start(mut response: Response<Bytes>, more: Option<impl More>) -> WasiResponse {
    if more.is_none() {
        header::insert_length(&mut response);
    }
    let (head, body) = response.into_parts();
    let fields: Vec<_> =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let fields = Fields::from_list(&fields).expect("no header of ours is forbidden by the host");

    let (mut body_sender, body_receiver) = wit_stream::new::<u8>();
    let (trailers_sender, trailers_receiver) = wit_future::new(|| Ok(None));
    let contents = (!body.is_empty() || more.is_some()).then_some(body_receiver);
    let (response, _sent) = WasiResponse::new(fields, contents, trailers_receiver);
    // It is 200 otherwise.
    if head.status != StatusCode::OK {
        response.set_status_code(head.status.as_u16()).expect("a status of ours is between 100 and 599");
    }

    let mut writing = Box::pin(async move {
        if !body.is_empty() {
            body_sender.write_all(body.into()).await;
        }
        if let Some(mut more) = more {
            while let Some(part) = more.next().await {
                // What is left over is left because the client has gone.
                if !body_sender.write_all(part.into()).await.is_empty() {
                    break;
                }
            }
        }
        drop(body_sender);
        // The host may be gone; then nobody waits for the trailers.
        let _ = trailers_sender.write(Ok(None)).await;
    });
    if poll!(&mut writing).is_pending() {
        spawn(writing);
    }
    response
}
