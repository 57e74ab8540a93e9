//! The committer of a partition: when its bell rings, it calls the commit script until nothing is
//! left.
//!
//! Redis runs all commands that it finds in a connection's buffer before it serves anyone else, so
//! a full batch of each partition at once would hold up every reader for tens of milliseconds. Hence
//! the [`Budget`]: it bounds the entries that may be under way at a master, and being fair it gives each
//! partition its share. A first batch is small, so that under light load all partitions commit at once;
//! what it leaves tells how large the next one should be.

use std::time::Instant;

use larder_protocol::Partition;
use larder_protocol::call::Committed;
use larder_protocol::limits::{COMMIT_MAX_BYTES, COMMIT_MAX_ENTRIES};
use metrics::{Counter, Histogram};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use crate::backoff::Backoff;
use crate::connection::{Connection, Failure, Outage};
use crate::metric;

/// The entries that the committers of a connection may have under way at once.
pub struct Budget {
    entries: Semaphore,
    first_batch: usize,
}

/// Two full batches: one runs while the reply to the other is on its way.
const MAX_UNDER_WAY: usize = 2 * COMMIT_MAX_ENTRIES;

impl Budget {
    /// Shared by the committers of so many partitions: their first batches all fit into it.
    pub fn among(partitions: usize) -> Self {
        let first_batch = (MAX_UNDER_WAY / partitions).clamp(1, COMMIT_MAX_ENTRIES);
        Self { entries: Semaphore::new(MAX_UNDER_WAY), first_batch }
    }

    /// Waits until `entries` more may be under way; they are until the permit is dropped.
    async fn take(&self, entries: usize) -> SemaphorePermit<'_> {
        let entries = u32::try_from(entries).expect("a batch is far smaller than 2^32");
        self.entries.acquire_many(entries).await.expect("nobody closes the budget")
    }
}

/// Commits one partition.
pub struct Committer<'a> {
    partition: Partition,
    connection: &'a Connection,
    bells: &'a Bells,
    budget: &'a Budget,
    changes_kept: u64,
    stop: &'a CancellationToken,
    metrics: Metrics,
}

struct Metrics {
    commits: Counter,
    rejected: Counter,
    dead: Counter,
    calls: Counter,
    errors: Counter,
    seconds: Histogram,
}

impl<'a> Committer<'a> {
    pub fn new(
        partition: Partition,
        connection: &'a Connection,
        bells: &'a Bells,
        budget: &'a Budget,
        changes_kept: u64,
        stop: &'a CancellationToken,
    ) -> Self {
        let metrics = Metrics {
            commits: metric::commits(partition),
            rejected: metric::rejected(partition),
            dead: metric::dead(partition),
            calls: metric::commit_calls(),
            errors: metric::commit_errors(),
            seconds: metric::commit_seconds(),
        };
        Self { partition, connection, bells, budget, changes_kept, stop, metrics }
    }

    /// Serves the bell until it is told to stop; then it lets the call that is under way finish.
    /// An error means that Redis is lost.
    pub async fn run(self) -> Result<(), Outage> {
        while self.stop.run_until_cancelled(self.bells.rung(self.partition)).await.is_some() {
            self.drain().await?;
        }
        Ok(())
    }

    /// Commits until the stream is empty. A partition that cannot be committed is tried again for
    /// as long as it takes: giving up would lose nothing, but nobody would come back to it sooner.
    async fn drain(&self) -> Result<(), Outage> {
        let mut batch = self.budget.first_batch;
        let mut trouble: Option<Backoff> = None;
        loop {
            let Some(permit) = self.stop.run_until_cancelled(self.budget.take(batch)).await else { return Ok(()) };
            let outcome = self.commit(batch).await;
            drop(permit);
            match outcome {
                Ok(left) => {
                    if trouble.take().is_some() {
                        tracing::info!(partition = %self.partition, "commits again");
                    }
                    if left == 0 || self.stop.is_cancelled() {
                        return Ok(());
                    }
                    batch =
                        usize::try_from(left).unwrap_or(usize::MAX).clamp(self.budget.first_batch, COMMIT_MAX_ENTRIES);
                }
                Err(Failure::Outage(outage)) => return Err(outage),
                Err(failure) => {
                    // Said once, not at every attempt.
                    if trouble.is_none() {
                        self.report(&failure);
                    }
                    let pause = trouble.get_or_insert_with(Backoff::for_commit).next_delay();
                    tracing::debug!(partition = %self.partition, %failure, ?pause, "commit failed");
                    if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn report(&self, failure: &Failure) {
        match failure {
            // Commits must find all keys of the partition in one place. There is nothing to mend.
            Failure::Moving(_) => tracing::info!(partition = %self.partition, "{failure}; waiting"),
            _ => tracing::warn!(partition = %self.partition, error = %failure, "cannot commit; trying again"),
        }
    }

    /// One call of the commit script. Answers how many writes are left.
    async fn commit(&self, entries: usize) -> Result<u64, Failure> {
        let bytes = COMMIT_MAX_BYTES / COMMIT_MAX_ENTRIES * entries;
        let started = Instant::now();
        let outcome = self.connection.commit(self.partition, entries, bytes, self.changes_kept).await;
        self.metrics.calls.increment(1);
        self.metrics.seconds.record(started.elapsed());
        let outcome = outcome.and_then(|committed| self.account(committed));
        if outcome.is_err() {
            self.metrics.errors.increment(1);
        }
        outcome
    }

    fn account(&self, Committed { applied, rejected, dead, left, error }: Committed) -> Result<u64, Failure> {
        self.metrics.commits.increment(applied);
        self.metrics.rejected.increment(rejected);
        self.metrics.dead.increment(dead);
        if applied + rejected > 0 {
            tracing::debug!(partition = %self.partition, applied, rejected, left, "committed");
        }
        if dead > 0 {
            tracing::warn!(
                partition = %self.partition,
                entries = dead,
                "moved to the dead letters: can never be applied; see `larder-worker dead list`"
            );
        }
        if !error.is_empty() {
            return Err(Failure::Refused(error));
        }
        if left > 0 && applied + rejected + dead == 0 {
            // Cannot be; but if it were, this loop must not spin.
            return Err(Failure::Refused("the commit script took nothing off the stream".to_owned()));
        }
        Ok(left)
    }
}
