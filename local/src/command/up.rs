//! `larder-local up`: a whole Larder in the foreground, with its data in a folder.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use larder_local::spin::{Application, runtime_config};
use larder_local::system::{Runtime, System, Wasi};

use super::listen;
use super::stop::StopSignals;

/// How long everything may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Start Redis, the worker and the component; Ctrl-C stops them in order.
#[derive(clap::Args)]
pub struct Up {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = listen::address)]
    listen: SocketAddr,
    /// The folder with the data. It is made where it is not there.
    #[arg(long, value_name = "FOLDER", default_value = ".larder")]
    data: PathBuf,
    /// What runs the component: builtin, or the spin on the PATH.
    #[arg(long, env = "LARDER_RUNTIME", default_value = "builtin")]
    runtime: Runtime,
    /// The version of WASI that the component is built for: 0.3 or 0.2.
    #[arg(long, env = "LARDER_WASI", value_name = "VERSION", default_value = "0.3")]
    wasi: Wasi,
    /// The manifest of the application, in place of that version's in the current folder.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Spin's runtime configuration.
    #[arg(long, value_name = "FILE", default_value = "runtime-config.toml")]
    runtime_config_file: PathBuf,
    /// How many workers to start.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    workers: u8,
}

impl Up {
    /// Runs until SIGINT or SIGTERM, or until one of the parts ends by itself.
    ///
    /// # Errors
    /// Where a part does not start or ends by itself.
    pub async fn run(self) -> Result<()> {
        let mut signals = StopSignals::catch()?;
        if self.listen.port() == 0 {
            bail!("cannot listen on {}; choose a port, like `make up LISTEN=127.0.0.1:3000`", self.listen);
        }
        // Before anything is started, so that the message is the only one.
        TcpListener::bind(self.listen).with_context(|| {
            format!("cannot listen on {}; choose another address with `make up LISTEN=127.0.0.1:PORT`", self.listen)
        })?;
        let manifest = self.manifest.clone().unwrap_or_else(|| self.wasi.manifest(Path::new("")));
        if self.runtime == Runtime::Builtin {
            runtime_config::check(&self.runtime_config_file)?;
            Application::load(&manifest, |name| std::env::var(name).ok())?.check_built()?;
        }
        let start = System::builder()
            .workers(self.workers.into())
            .runtime(self.runtime)
            .listen(self.listen)
            .data(&self.data)
            .manifest(&manifest)
            .runtime_config(&self.runtime_config_file)
            .inherit_output()
            .ready_within(READY_WITHIN)
            .start();
        let mut system = tokio::select! {
            system = start => system?,
            () = signals.next() => return Ok(()),
        };
        self.greet(&system);
        let death = tokio::select! {
            death = system.first_death() => Some(death?),
            () = signals.next() => None,
        };
        if death.is_none() {
            say("\nStopping …");
        }
        let stopped = system.stop().await;
        match death {
            Some(death) => bail!("{death}. Everything else was stopped"),
            None => stopped,
        }
    }

    fn greet(&self, system: &System) {
        let (url, redis) = (system.url(), &system.redis);
        say(&format!(
            "\n\
             Larder is ready: {url}\n\
             \n  \
               curl -i -X PUT {url}/items/hello -H 'content-type: text/plain' -d 'Hello'\n  \
               curl -i {url}/items/hello\n  \
               curl -i -X DELETE {url}/items/hello\n\
             \n\
             Its data is in {}, its Redis {} at {}. Ctrl-C stops everything.\n",
            self.data.display(),
            redis.program().version(),
            redis.url(),
        ));
    }
}

/// A line for the person at the terminal; `up` goes on where nobody reads it any more.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
