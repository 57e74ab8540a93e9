//! `larder-local up`: a whole Larder in the foreground, with its data in a folder.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ArgAction;
use larder_local::spin::{Application, runtime_config};
use larder_system::{RedisCluster, Runtime, System, Topology, Wasi, built};

use super::listen;
use super::stop::StopSignals;

/// How long everything may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// After how long without an answer a cluster takes a node for dead: short, for whoever tries a
/// failover waits for it.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);

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
    /// Start a Redis Cluster of so many masters, with a replica each, in place of one Redis.
    #[arg(long, env = "LARDER_CLUSTER", value_name = "MASTERS", default_value = "")]
    cluster: Topology,
    /// 1 starts Prometheus as well, which has to be installed, with our alerts.
    #[arg(long, value_name = "0 OR 1", default_value = "", action = ArgAction::Set, value_parser = zero_or_one)]
    observe: bool,
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
        let mut builder = System::builder()
            .workers(self.workers.into())
            .runtime(self.runtime)
            .listen(self.listen)
            .data(&self.data)
            .topology(self.cluster)
            .node_timeout(NODE_TIMEOUT)
            .manifest(&manifest)
            .runtime_config(&self.runtime_config_file)
            .inherit_output()
            .ready_within(READY_WITHIN);
        if self.observe {
            builder = builder.observed();
            // The workers tell Prometheus what the component goes by.
            if let Ok(max_pending) = std::env::var("SPIN_VARIABLE_MAX_PENDING") {
                builder = builder.worker_env("LARDER_MAX_PENDING", &max_pending);
            }
        }
        let mut system = tokio::select! {
            system = builder.start() => system?,
            () = signals.next() => return Ok(()),
        };
        self.greet(&system).await;
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

    async fn greet(&self, system: &System) {
        let (url, redis) = (system.url(), &system.redis);
        let larder = command_line();
        let dead =
            system.workers.first().map(|worker| format!("  {larder} --worker {} dead list\n", worker.control_url()));
        let dead = dead.unwrap_or_default();
        say(&format!(
            "\n\
             Larder is ready: {url}\n\
             \n  \
               curl -i -X PUT {url}/items/hello -H 'content-type: text/plain' -d 'Hello'\n  \
               curl -i {url}/items/hello\n  \
               curl -i -X DELETE {url}/items/hello\n\
             \n\
             The same, and more, with the command line (docs/cli.md):\n\
             \n  \
               {larder} --url {url} put hello Hello\n  \
               {larder} --url {url} ls -l\n\
             {dead}\
             \n\
             In the browser: {url}/console\n\
             \n\
             Its data is in {}, its Redis {} at {}. Ctrl-C stops everything.\n",
            self.data.display(),
            redis.program().version(),
            redis.url(),
        ));
        if let Some(prometheus) = &system.prometheus {
            let prometheus = prometheus.url();
            say(&format!("Prometheus has the metrics: {prometheus}; its alerts: {prometheus}/alerts\n"));
        }
        // A node that has died meanwhile is no reason to end: it comes back.
        if let Some(cluster) = redis.cluster()
            && let Ok(how) = failovers(cluster).await
        {
            say(&how);
        }
    }
}

/// The command line that was built with this, as it is called from here.
fn command_line() -> String {
    let Ok(program) = built("larder") else { return "larder".to_owned() };
    let here = std::env::current_dir().unwrap_or_default();
    program.strip_prefix(here).unwrap_or(&program).display().to_string()
}

/// How to see that the store lives on without a master.
async fn failovers(cluster: &RedisCluster) -> Result<String> {
    let master = cluster.master_of(0).await?;
    let replica = cluster.replica_of(master).await?;
    let cli = cluster.program().cli();
    let (pid, port) = (cluster.node(master).pid(), cluster.node(replica).port());
    let cli = cli.display();
    Ok(format!(
        "Let a replica take the place of its master; or kill a master, which is back 5 s later as a replica:\n\n  \
           {cli} -p {port} CLUSTER FAILOVER\n  \
           kill -9 {pid}\n"
    ))
}

fn zero_or_one(text: &str) -> Result<bool, String> {
    match text {
        "" | "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("expected 1, as in `make up OBSERVE=1`, or 0".to_owned()),
    }
}

/// A line for the person at the terminal; `up` goes on where nobody reads it any more.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
