//! `larder-local serve`: the component alone, as `spin up` runs it.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use larder_local::runtime::{Observer, Server};
use larder_telemetry::{Program, Telemetry};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::listen;
use super::metrics::Metrics;
use super::source::Source;
use super::stop::StopSignals;

/// Serve the component, with the Redis that its variables name.
///
/// Values of variables come from SPIN_VARIABLE_<NAME> in the environment, as with `spin up`. So does where to send
/// traces and figures by OpenTelemetry: OTEL_EXPORTER_OTLP_ENDPOINT and its relatives.
#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    source: Source,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = listen::address)]
    listen: SocketAddr,
    /// Where to serve the figures of requests and Redis commands for Prometheus, at /metrics; nowhere by default.
    #[arg(long, value_name = "ADDRESS", value_parser = listen::address)]
    metrics_listen: Option<SocketAddr>,
}

/// Lets this process have as many files open as it may: each connection is one, and systems begin with 1,024.
fn take_all_files() {
    let all = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = all {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

const PROGRAM: Program = Program { service: "larder-local", version: env!("CARGO_PKG_VERSION") };

impl Serve {
    /// Serves until SIGINT or SIGTERM.
    ///
    /// # Errors
    /// Where the application or the configuration is refused, or the address is taken.
    pub async fn run(self) -> Result<()> {
        let mut signals = StopSignals::catch()?;
        take_all_files();
        let application = self.source.application()?;
        let is_open = application.variables.get("api_tokens").is_some_and(|tokens| tokens.trim().is_empty());
        let mut telemetry = Telemetry::default();
        telemetry.traces(&PROGRAM)?;
        let (metrics, reader) = match self.metrics_listen {
            Some(address) => Some(Metrics::bind(address).await?).unzip(),
            None => (None, None),
        };
        telemetry.metrics(&PROGRAM, reader)?;
        if let Some(metrics) = metrics {
            tokio::spawn(metrics.serve());
        }
        let server = Server::bind(self.listen, application, Observer::of(&telemetry)).await?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "Serving http://{}", server.address()?)
            .and_then(|()| stdout.flush())
            .context("cannot write to standard output")?;
        if is_open {
            tracing::warn!("there are no access tokens (api_tokens): whoever reaches this address can read and write");
        }
        server.run(signals.next()).await;
        Ok(())
    }
}
