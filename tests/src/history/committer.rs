//! A worker of the test's own, which commits with a script of the test's choice.
//!
//! The real worker has no hook for a broken script, and shall have none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::limits::{COMMIT_MAX_BYTES, COMMIT_MAX_ENTRIES, DEFAULT_CHANGES_KEPT};
use larder_protocol::{Partition, call};
use tokio::task::JoinHandle;

use crate::Direct;

/// How long it rests between two rounds: writes must meet in the streams for their order to
/// matter.
const REST: Duration = Duration::from_millis(15);

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
        let redis = Direct::open(redis_url).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                for partition in Partition::all() {
                    let call = call::commit(partition, COMMIT_MAX_ENTRIES, COMMIT_MAX_BYTES, DEFAULT_CHANGES_KEPT);
                    let reply: CommitReply = redis.run_source(&script, &call).await?;
                    let Committed { error, .. } = reply.into();
                    anyhow::ensure!(error.is_empty(), "the commit script failed: {error}");
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
