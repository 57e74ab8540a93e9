//! The HTTP server in front of the instances: it accepts connections, and gives each to the core that has the fewest.
//!
//! One socket listens, rather than one of each core (`SO_REUSEPORT`): so the connections are spread evenly, where
//! chance would give one core many more than another, and an address that somebody else has taken is an error.

mod core;
mod handler;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

use self::core::{Core, Stopping};
use super::engine;
use super::observe::Observer;
use super::reuse::Instances;
use crate::spin::Application;

/// A server that has its port and is ready to run.
pub struct Server {
    listener: TcpListener,
    cores: Vec<Core>,
}

impl Server {
    /// Binds the address, then compiles the component. Requests wait until [`Server::run`].
    ///
    /// # Errors
    /// Where the address is taken, or the component cannot be run.
    pub async fn bind(address: SocketAddr, application: Application, observer: Observer) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another address with --listen"))?;
        let component = engine::prepare(&application)?;
        let application = Arc::new(application);
        let count = thread::available_parallelism().map_or(1, usize::from);
        let cores = (0..count)
            .map(|_| Core::start(Instances::new(application.clone(), component.clone(), observer.clone(), count)));
        let cores = cores.collect::<Result<_>>()?;
        Ok(Self { listener, cores })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().context("cannot tell the address that the server listens on")
    }

    /// Serves until `stop` resolves; requests in flight then have one second to finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted.and_then(|(stream, _)| stream.into_std()) {
                    Ok(stream) => {
                        let core = self.cores.iter().min_by_key(|core| core.open()).expect("there is a core");
                        core.take(stream);
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely; give others time to close theirs.
                        tracing::warn!("cannot accept a connection: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                () = &mut stop => break,
            }
        }
        drop(self.listener);
        let stopping: Vec<_> = self.cores.into_iter().map(Core::stop).collect();
        stopping.into_iter().for_each(Stopping::wait);
    }
}
