//! The control server: what an operator may do to the store besides watching it.
//!
//! It has no accounts and no tokens of its own, and what it shows includes values. So it listens on loopback
//! addresses only, and whoever is let in there is let in by the machine: by an account on it or, on Kubernetes,
//! by the right to `kubectl port-forward`. A browser on that machine would open the door to every page that it
//! shows, so what comes from a page is refused (`control/guard.rs`).

mod dead;
mod guard;
mod problem;

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::Context as _;
use axum::middleware;
use tokio::net::TcpListener;

use crate::connection::RedisSettings;

/// Where to listen; the default is where `larder dead` looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    At(SocketAddr),
    /// Not at all.
    Off,
}

/// A control server that listens.
pub struct Control {
    address: SocketAddr,
    listener: TcpListener,
}

impl Control {
    /// Listens.
    pub async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address} for the control server; if another worker does, choose another \
                 port with --control-listen or LARDER_CONTROL_LISTEN, 127.0.0.1:0 for any, or off"
            )
        })?;
        let address = listener.local_addr().context("the control server has no address")?;
        Ok(Self { address, listener })
    }

    /// The address it listens on, with the port that the system chose if it was to choose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for as long as the process lives.
    pub async fn serve(self, redis: RedisSettings) {
        let routes = dead::routes(redis)
            .fallback(problem::no_such_path)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .layer(middleware::from_fn(guard::check));
        // It survives what goes wrong with a connection.
        if let Err(error) = axum::serve(self.listener, routes).await {
            tracing::error!(%error, "the control server ended");
        }
    }
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::At(address)),
            Ok(_) => Err("the control server asks nobody who they are, so it listens on a loopback address only: \
                          127.0.0.1:9465, say. From elsewhere reach it by ssh -L or kubectl port-forward"),
            Err(_) => Err("expected a loopback address with a port, like 127.0.0.1:9465, or off"),
        }
    }
}
