//! Spin keeps an instance for many requests and runs several of them at once in it, so what
//! an instance knows is read once and shared: the settings, and the connections to Redis.

mod connection;
mod request;
mod response;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use larder_api::config::{Config, InvalidConfig, VARIABLES};
use larder_api::handler::{self, Follower};
use larder_api::store::cluster::Cluster;
use larder_api::web::problem::Problem;
use spin_sdk::variables;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Request as WasiRequest, Response as WasiResponse};

use connection::Connection;

/// What an instance learns with its first request and keeps.
struct Instance {
    config: Config,
    redis: Cluster<Connection>,
}

type Started = Rc<Result<Instance, InvalidConfig>>;

thread_local! {
    static STARTED: OnceCell<Started> = const { OnceCell::new() };
}

struct Component;

spin_sdk::wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: WasiRequest) -> Result<WasiResponse, ErrorCode> {
        let started = instance().await;
        let mut response = match (&*started, request::read(request)) {
            (Ok(instance), Ok(request)) => handler::handle(request, &instance.config, &instance.redis).await,
            (Ok(_), Err(error)) => Problem::from(error).into(),
            (Err(error), _) => Problem::from(error.clone()).into(),
        };
        let follower = response.extensions_mut().remove::<Follower>();
        Ok(response::start(response, follower.map(|follower| More { follower, started })).await)
    }
}

/// What comes after the body of an answer that goes on.
struct More {
    follower: Follower,
    started: Started,
}

impl response::More for More {
    async fn next(&mut self) -> Option<Bytes> {
        let instance = self.started.as_ref().as_ref().ok()?;
        self.follower.next(&instance.redis).await
    }
}

/// Requests that arrive together before the first has read the settings all read them; the
/// first to finish decides.
async fn instance() -> Started {
    if let Some(started) = STARTED.with(|cell| cell.get().cloned()) {
        return started;
    }
    let started = Rc::new(start().await);
    STARTED.with(|cell| {
        let first = cell.get_or_init(|| {
            if let Err(error) = &*started {
                eprintln!("Larder answers every request with 500: {error}");
            }
            started.clone()
        });
        first.clone()
    })
}

async fn start() -> Result<Instance, InvalidConfig> {
    let mut values = HashMap::new();
    for name in VARIABLES {
        if let Ok(value) = variables::get(name).await {
            values.insert(name, value);
        }
    }
    let config = Config::from_variables(&values)?;
    let redis = Cluster::new(config.redis.clone());
    Ok(Instance { config, redis })
}
