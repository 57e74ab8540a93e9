//! The two resources.

use std::cell::OnceCell;
use std::rc::Rc;

use futures::poll;
use spin_sdk::redis::Connection;
use spin_sdk::variables;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response};
use spin_sdk::wasip3::{http, wit_future, wit_stream};
use wit_bindgen::spawn;

/// What `/get` reads.
const KEY: &str = "bare";

thread_local! {
    static REDIS: OnceCell<Rc<Connection>> = const { OnceCell::new() };
}

struct Bare;

http::service::export!(Bare);

impl Guest for Bare {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let body = match request.get_path_with_query().as_deref() {
            Some("/hello") => b"hello you\n".to_vec(),
            Some("/get") => redis().await?.get(KEY).await.ok().flatten().unwrap_or_default(),
            _ => Vec::new(),
        };
        Ok(respond(body).await)
    }
}

async fn redis() -> Result<Rc<Connection>, ErrorCode> {
    if let Some(open) = REDIS.with(|cell| cell.get().cloned()) {
        return Ok(open);
    }
    let address = variables::get("redis_address").await.map_err(|_| ErrorCode::ConfigurationError)?;
    let open = Connection::open(address).await.map_err(|_| ErrorCode::ConnectionRefused)?;
    Ok(REDIS.with(|cell| cell.get_or_init(|| Rc::new(open)).clone()))
}

async fn respond(body: Vec<u8>) -> Response {
    let length = body.len().to_string().into_bytes();
    let fields = Fields::from_list(&[("content-length".to_owned(), length)]).expect("the host allows it");
    let (mut body_sender, body_receiver) = wit_stream::new::<u8>();
    let (trailers_sender, trailers_receiver) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(body_receiver), trailers_receiver);
    let mut writing = Box::pin(async move {
        body_sender.write_all(body).await;
        drop(body_sender);
        let _ = trailers_sender.write(Ok(None)).await;
    });
    // As in Larder: head and body shall leave in one segment.
    if poll!(&mut writing).is_pending() {
        spawn(writing);
    }
    response
}
