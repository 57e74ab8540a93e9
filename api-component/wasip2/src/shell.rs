//! An instance serves one request and is gone; so settings and connection live for one request.
//!
//! Every call of the host here blocks the instance until it returns. So the handler's futures are
//! never pending, several commands that it starts at once run one after the other, and none can be
//! given up: the variable `redis_timeout_ms` has no effect (docs/operations.md).
//!
//! HTTP is that of the `wasi` crate, which spin-sdk is built on: the SDK's own entry point brings
//! an executor that nothing here needs.

mod connection;
mod request;
mod response;

use std::collections::HashMap;
use std::iter;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use larder_api::config::{Config, InvalidConfig, VARIABLES};
use larder_api::handler::{self, Follower};
use larder_api::store::cluster::Cluster;
use larder_api::web::problem::Problem;
use spin_sdk::variables;
use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

use connection::Connection;

/// An answer that ends with its body.
const NO_MORE: Option<iter::Empty<Bytes>> = None;

struct Shell;

wasi::http::proxy::export!(Shell);

impl Guest for Shell {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match (request::read(request), config()) {
            (Ok(request), Ok(config)) => {
                let redis = Cluster::<Connection>::new(config.redis.clone());
                let mut response = run(handler::handle(request, &config, &redis));
                let mut follower = response.extensions_mut().remove::<Follower>();
                let more = follower.as_mut().map(|follower| iter::from_fn(|| run(follower.next(&redis))));
                response::send(response, more, out);
                if let Some(follower) = follower {
                    run(follower.leave(&redis));
                }
            }
            (Err(error), _) => response::send(Problem::from(error).into(), NO_MORE, out),
            (_, Err(error)) => {
                eprintln!("Larder answers every request with 500: {error}");
                response::send(Problem::from(error).into(), NO_MORE, out);
            }
        }
    }
}

/// Runs a future that waits for nothing but calls of the host. It may still be pending once in a
/// while, to let its neighbours run; there are none.
fn run<T>(future: impl Future<Output = T>) -> T {
    let (mut future, mut context) = (pin!(future), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn config() -> Result<Config, InvalidConfig> {
    let values: HashMap<_, _> =
        VARIABLES.into_iter().filter_map(|name| Some((name, variables::get(name).ok()?))).collect();
    Config::from_variables(&values)
}
