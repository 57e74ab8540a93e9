//! `larder-local up`: a whole Larder in the foreground, with its data in a folder.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ArgAction;
use larder_system::{RedisCluster, Runtime, System, Topology, built};

use super::listen;
use super::source::Source;
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
    #[command(flatten)]
    source: Source,
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
            bail!("cannot listen on {}; choose a port, like --listen 127.0.0.1:3000", self.listen);
        }
        // Before anything is started, so that the message is the only one.
        TcpListener::bind(self.listen).with_context(|| {
            format!("cannot listen on {}; choose another address with --listen, or `make up LISTEN=...`", self.listen)
        })?;
        let mut application = self.source.application()?;
        application.check_built()?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let mut builder = System::builder()
            .workers(self.workers.into())
            .runtime(self.runtime)
            .program(&program)
            .wasi(self.source.wasi)
            .listen(self.listen)
            .data(&self.data)
            .topology(self.cluster)
            .node_timeout(NODE_TIMEOUT)
            .admin()
            .inherit_output()
            .ready_within(READY_WITHIN);
        let files = match self.runtime {
            Runtime::Builtin => self.source.files(),
            Runtime::Spin => Some(self.source.unpacked(&self.data.join("application"))?),
        };
        if let Some(files) = files {
            builder = builder.manifest(&files.manifest);
            if let Some(file) = &files.runtime_config {
                builder = builder.runtime_config(file);
            }
        }
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
        let wants_token = !application.variables.remove("api_tokens").unwrap_or_default().trim().is_empty();
        self.greet(&system, wants_token).await;
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

    async fn greet(&self, system: &System, wants_token: bool) {
        let (url, redis) = (system.url(), &system.redis);
        let token = if wants_token { " -H \"authorization: Bearer $LARDER_TOKEN\"" } else { "" };
        let before = match wants_token {
            true => {
                "All of this needs an access token (docs/operations.md#access-tokens):\n\n  export LARDER_TOKEN=...\n\n"
            }
            false => "",
        };
        let worker = system.workers.first();
        let servers = worker.and_then(|worker| {
            Some(format!(" LARDER_ADMIN={} LARDER_WORKER_CONTROL={}", worker.admin_url()?, worker.control_url()))
        });
        say(&format!(
            "\n\
             Larder is ready: {url}\n\
             \n\
             {before}  \
               curl -i -X PUT {url}/items/hello -H 'content-type: text/plain' -d 'Hello'{token}\n  \
               curl -i {url}/items/hello{token}\n  \
               curl -i -X DELETE {url}/items/hello{token}\n\
             \n\
             With the command line (docs/cli.md):\n\
             \n  \
               export LARDER_URL={url}{}\n  \
               {larder} put hello Hello\n  \
               {larder} ls -l\n  \
               {larder} status\n  \
               {larder} top\n  \
               {larder} dead list\n\
             \n\
             In the browser: {url}/console\n\
             \n\
             The data is in {}, Redis {} is at {}. Ctrl-C stops everything.\n",
            servers.unwrap_or_default(),
            self.data.display(),
            redis.program().version(),
            redis.url(),
            larder = command_line(),
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
