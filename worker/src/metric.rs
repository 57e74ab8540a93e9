//! The metrics, each named and described in one place.

use std::time::Duration;

use larder_protocol::Partition;
use larder_protocol::call::Look;
use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

use crate::connection::{Address, RedisReport};

const COMMITS: &str = "larder_commits_total";
const REJECTED: &str = "larder_rejected_total";
const DEAD: &str = "larder_dead_total";
const COMMIT_CALLS: &str = "larder_commit_calls_total";
const COMMIT_ERRORS: &str = "larder_commit_errors_total";
const PENDING: &str = "larder_pending";
const OLDEST_PENDING: &str = "larder_oldest_pending_seconds";
const ITEMS: &str = "larder_items";
const DEAD_LETTERS: &str = "larder_dead_letters";
const MAX_PENDING: &str = "larder_max_pending";
const BUILD_INFO: &str = "larder_build_info";
const WAKEUPS: &str = "larder_wakeups_total";
const RECONNECTS: &str = "larder_reconnects_total";
const REDIS_UP: &str = "larder_redis_up";
const MASTER_PARTITIONS: &str = "larder_master_partitions";
const OWNED_PARTITIONS: &str = "larder_owned_partitions";
const LIVE_WORKERS: &str = "larder_live_workers";
const KEEPS_PROMISES: &str = "larder_redis_keeps_promises";
const MEMORY_USED: &str = "larder_redis_memory_used_bytes";
const MEMORY_LIMIT: &str = "larder_redis_memory_limit_bytes";
const REPLICAS: &str = "larder_redis_replicas";
const EXPIRED: &str = "larder_expired_total";

const COMMIT_SECONDS: &str = "larder_commit_seconds";

/// A call takes a tenth of a millisecond at best, and the command timeout at worst.
const COMMIT_SECONDS_BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

const COMMIT_ENTRIES: &str = "larder_commit_entries";
const COMMIT_BYTES: &str = "larder_commit_bytes";
const WRITE_SECONDS: &str = "larder_write_seconds";

/// The histograms, and what their buckets reach up to. A write is at best applied in the millisecond in which it
/// was accepted; at worst it waits for as long as there is no worker. A commit is bounded in entries and bytes.
pub const BUCKETS: [(&str, &[f64]); 4] = [
    (COMMIT_SECONDS, &COMMIT_SECONDS_BUCKETS),
    (COMMIT_ENTRIES, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]),
    (COMMIT_BYTES, &[256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 4_194_304.0]),
    (WRITE_SECONDS, &[0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]),
];

/// A gauge that nobody sets any more is about a master that is none any more: it is forgotten after this long.
/// So there are no more of them than masters, however many come and go.
pub const GAUGE_KEPT: Duration = Duration::from_secs(60);

/// Tells the recorder what the metrics mean, and starts those that would else appear late.
pub fn describe() {
    metrics::describe_counter!(COMMITS, "Writes applied, by partition.");
    metrics::describe_counter!(REJECTED, "Writes whose precondition did not hold, by partition.");
    metrics::describe_counter!(DEAD, "Entries moved to the dead stream, by partition.");
    metrics::describe_counter!(COMMIT_CALLS, "Calls of the commit script.");
    metrics::describe_counter!(COMMIT_ERRORS, "Calls of the commit script that failed or stopped early.");
    metrics::describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time from a commit call to its reply.");
    metrics::describe_histogram!(COMMIT_ENTRIES, "Entries that a call of the commit script took off a channel.");
    metrics::describe_histogram!(COMMIT_BYTES, Unit::Bytes, "Bytes of the items among them, about.");
    metrics::describe_histogram!(
        WRITE_SECONDS,
        Unit::Seconds,
        "Time from the acceptance of a write to its commit, by the clock of Redis, in whole milliseconds."
    );
    metrics::describe_gauge!(PENDING, "Writes accepted and not yet applied, by partition, at the last sweep.");
    metrics::describe_gauge!(
        OLDEST_PENDING,
        Unit::Seconds,
        "For how long the oldest unapplied write has waited, by partition; 0 where there is none."
    );
    metrics::describe_gauge!(ITEMS, "Items, by partition.");
    metrics::describe_gauge!(DEAD_LETTERS, "Entries on the dead stream now, by partition.");
    metrics::describe_gauge!(MAX_PENDING, "Writes that the component lets a partition hold (--max-pending).");
    metrics::describe_gauge!(BUILD_INFO, "1, with the version of the worker.");
    metrics::describe_counter!(WAKEUPS, "Committers woken, by what woke them: doorbell, sweep or takeover.");
    metrics::describe_counter!(RECONNECTS, "Sessions at a master opened after one that was lost.");
    metrics::describe_gauge!(
        KEEPS_PROMISES,
        "1 where the master is set up to keep what is promised, 0 where not; not told where it does not tell."
    );
    metrics::describe_gauge!(MEMORY_USED, Unit::Bytes, "Memory that the master uses.");
    metrics::describe_gauge!(MEMORY_LIMIT, Unit::Bytes, "Memory that the master may use (maxmemory), if limited.");
    metrics::describe_gauge!(REPLICAS, "Replicas that are connected to the master.");
    metrics::describe_gauge!(REDIS_UP, "1 while the master takes this worker's heartbeats, else 0.");
    metrics::describe_gauge!(MASTER_PARTITIONS, "Partitions that the master has.");
    metrics::describe_gauge!(OWNED_PARTITIONS, "Partitions of the master whose doorbell this worker answers.");
    metrics::describe_gauge!(LIVE_WORKERS, "Workers that live, as the master knows them.");
    metrics::describe_counter!(EXPIRED, "Ids of expired items taken off the index.");
    expired().increment(0);
    commit_errors().increment(0);
    reconnects().increment(0);
}

/// What does not change. A gauge that is not set for [`GAUGE_KEPT`] is forgotten, so set these more often.
pub fn constants(max_pending: u64) {
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!(MAX_PENDING).set(gauge_value(max_pending));
}

pub fn commits(p: Partition) -> Counter {
    counter!(COMMITS, "partition" => p.to_string())
}

pub fn rejected(p: Partition) -> Counter {
    counter!(REJECTED, "partition" => p.to_string())
}

pub fn dead(p: Partition) -> Counter {
    counter!(DEAD, "partition" => p.to_string())
}

pub fn commit_calls() -> Counter {
    counter!(COMMIT_CALLS)
}

pub fn commit_errors() -> Counter {
    counter!(COMMIT_ERRORS)
}

pub fn commit_seconds() -> Histogram {
    histogram!(COMMIT_SECONDS)
}

pub fn commit_entries() -> Histogram {
    histogram!(COMMIT_ENTRIES)
}

pub fn commit_bytes() -> Histogram {
    histogram!(COMMIT_BYTES)
}

pub fn write_seconds() -> Histogram {
    histogram!(WRITE_SECONDS)
}

pub fn pending(p: Partition) -> Gauge {
    gauge!(PENDING, "partition" => p.to_string())
}

/// How a partition stands, but for what is pending: each sweep tells that.
pub fn look(p: Partition, look: &Look) {
    let set = |name, value: f64| gauge!(name, "partition" => p.to_string()).set(value);
    set(OLDEST_PENDING, look.oldest.unwrap_or_default().as_secs_f64());
    look.items.into_iter().for_each(|items| set(ITEMS, gauge_value(items)));
    look.dead_letters.into_iter().for_each(|letters| set(DEAD_LETTERS, gauge_value(letters)));
}

pub fn wakeups(cause: &'static str) -> Counter {
    counter!(WAKEUPS, "cause" => cause)
}

pub fn reconnects() -> Counter {
    counter!(RECONNECTS)
}

pub fn redis_up(master: &Address) -> Gauge {
    of_master(REDIS_UP, master)
}

pub fn master_partitions(master: &Address) -> Gauge {
    of_master(MASTER_PARTITIONS, master)
}

pub fn owned_partitions(master: &Address) -> Gauge {
    of_master(OWNED_PARTITIONS, master)
}

pub fn live_workers(master: &Address) -> Gauge {
    of_master(LIVE_WORKERS, master)
}

fn of_master(name: &'static str, master: &Address) -> Gauge {
    gauge!(name, "master" => master.to_string())
}

pub fn expired() -> Counter {
    counter!(EXPIRED)
}

/// What a master told of itself, as far as it did.
pub fn report(master: &Address, report: &RedisReport) {
    let set = |name, value: Option<f64>| value.into_iter().for_each(|value| of_master(name, master).set(value));
    set(KEEPS_PROMISES, report.settings.keep_promises().map(|kept| f64::from(u8::from(kept))));
    set(MEMORY_USED, report.memory_used_bytes.map(gauge_value));
    set(MEMORY_LIMIT, report.memory_limit_bytes.map(gauge_value));
    set(REPLICAS, report.replicas.map(gauge_value));
}

/// A count as a gauge takes it.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, far above any count here")]
pub fn gauge_value(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}
