//! The committer of a partition: when its bell rings, it calls the commit script until nothing is
//! left.
//!
//! Redis runs all commands that it finds in a connection's buffer before it serves anyone else, so
//! a full batch of each partition at once would hold up every reader for tens of milliseconds. Hence
//! the [`Budget`]: it bounds the entries that may be under way at a master, and being fair it gives each
//! partition its share. A first batch is small, so that under light load all partitions commit at once;
//! what it leaves tells how large the next one should be.

use std::time::{Duration, Instant, SystemTime};

use larder_protocol::call::{Committed, Told};
use larder_protocol::limits::{COMMIT_MAX_BYTES, COMMIT_MAX_ENTRIES};
use larder_protocol::{Partition, Revision, TraceParent};
use metrics::{Counter, Histogram};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use super::traces::Traces;
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
    traces: Traces,
}

struct Metrics {
    commits: Counter,
    rejected: Counter,
    dead: Counter,
    calls: Counter,
    errors: Counter,
    seconds: Histogram,
    entries: Histogram,
    bytes: Histogram,
    write_seconds: Histogram,
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
            entries: metric::commit_entries(),
            bytes: metric::commit_bytes(),
            write_seconds: metric::write_seconds(),
        };
        let traces = Traces::of(partition);
        Self { partition, connection, bells, budget, changes_kept, stop, metrics, traces }
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
        let (began, started) = (SystemTime::now(), Instant::now());
        let outcome = self.connection.commit(self.partition, entries, bytes, self.changes_kept).await;
        self.metrics.calls.increment(1);
        self.metrics.seconds.record(started.elapsed());
        let outcome = outcome.and_then(|committed| {
            self.traces.tell(began, &committed);
            self.account(committed)
        });
        if outcome.is_err() {
            self.metrics.errors.increment(1);
        }
        outcome
    }

    /// Says which write could never be applied, and why.
    fn mourn(&self, Told { id, trace, outcome }: &Told) {
        let Some(reason) = outcome.strip_prefix("dead ") else { return };
        tracing::warn!(
            revision = %Revision { partition: self.partition, id: *id },
            reason,
            trace_id = trace.as_ref().map(TraceParent::trace_id),
            "moved to the dead letters; see `larder-worker dead list`"
        );
    }

    fn account(&self, committed: Committed) -> Result<u64, Failure> {
        let Committed { applied, rejected, dead, left, error, bytes, ages, told } = committed;
        self.metrics.commits.increment(applied);
        self.metrics.rejected.increment(rejected);
        self.metrics.dead.increment(dead);
        // A call that found nothing says nothing of how much they take.
        if applied + rejected + dead > 0 {
            self.metrics.entries.record(metric::gauge_value(applied + rejected + dead));
            self.metrics.bytes.record(metric::gauge_value(bytes));
        }
        for (ms, entries) in ages {
            let entries = usize::try_from(entries).unwrap_or(usize::MAX);
            self.metrics.write_seconds.record_many(Duration::from_millis(ms), entries);
        }
        if applied + rejected > 0 {
            tracing::debug!(partition = %self.partition, applied, rejected, left, "committed");
        }
        told.iter().for_each(|told| self.mourn(told));
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
