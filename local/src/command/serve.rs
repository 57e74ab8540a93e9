//! `larder-local serve`: the component alone, as `spin up` runs it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use larder_local::runtime::Server;
use larder_local::spin::{Application, runtime_config};

use super::listen;
use super::stop::StopSignals;

/// Serve the component, with the Redis that its variables name.
///
/// Values of variables come from SPIN_VARIABLE_<NAME> in the environment, as with `spin up`.
#[derive(clap::Args)]
pub struct Serve {
    /// The manifest of the application.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = listen::address)]
    listen: SocketAddr,
    /// Spin's runtime configuration.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
}

impl Serve {
    /// Serves until SIGINT or SIGTERM.
    ///
    /// # Errors
    /// Where the application or the configuration is refused, or the address is taken.
    pub async fn run(self) -> Result<()> {
        let mut signals = StopSignals::catch()?;
        if let Some(file) = &self.runtime_config_file {
            runtime_config::check(file)?;
        }
        let application = Application::load(&self.from, |name| std::env::var(name).ok())?;
        let is_open = application.variables.get("api_tokens").is_some_and(|tokens| tokens.trim().is_empty());
        let server = Server::bind(self.listen, application).await?;
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
