//! A worker of the test's own, which commits with a script of the test's choice.
//!
//! The real worker has no hook for a broken script, and shall have none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_protocol::limits::{COMMIT_MAX_BYTES, COMMIT_MAX_ENTRIES};
use larder_protocol::{Call, Partition, call};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

/// How long it rests between two rounds: writes must meet in the streams for their order to
/// matter.
const REST: Duration = Duration::from_millis(15);

/// How long a commit may take. By default redis-rs gives up after half a second, which a busy
/// disk takes now and then: each commit is on disk before it is answered.
const PATIENCE: Duration = Duration::from_secs(30);

/// Commits all partitions again and again until it is stopped.
#[derive(Debug)]
pub struct Committer {
    stop: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Committer {
    /// Starts to commit with `script`, which is called as `commit.lua` is.
    ///
    /// # Errors
    /// Where Redis cannot be reached.
    pub async fn start(redis_url: &str, script: String) -> anyhow::Result<Self> {
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let client = redis::Client::open(redis_url)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                for partition in Partition::all() {
                    let call = call::commit(partition, COMMIT_MAX_ENTRIES, COMMIT_MAX_BYTES);
                    commit(&mut connection, &script, &call).await?;
                }
                tokio::time::sleep(REST).await;
            }
            Ok(())
        });
        Ok(Self { stop, task })
    }

    /// Stops it.
    ///
    /// # Errors
    /// What went wrong since it was started.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn commit(connection: &mut MultiplexedConnection, script: &str, call: &Call) -> anyhow::Result<()> {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
    let (_, _, _, _, error): (u64, u64, u64, u64, String) = command.query_async(connection).await?;
    anyhow::ensure!(error.is_empty(), "the commit script failed: {error}");
    Ok(())
}
