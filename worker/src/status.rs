//! `GET /status`: what the worker knows of the store, for people and for tools.
//!
//! Nothing is asked of Redis to answer it. It tells what the sessions saw last, about a second ago, and how long ago
//! that was: however often somebody asks, and however many do, Redis is none the busier for it.

use std::time::Duration;

use larder_protocol::Partition;
use larder_protocol::call::Look;
use serde::Serialize;

use crate::connection::Durability;
use crate::health::{Health, MasterHealth};
use crate::partitions::Partitions;

/// The document. What is not known is null: of a master that is down, nothing is.
#[derive(Serialize)]
pub struct Status {
    version: &'static str,
    /// As `/ready` says.
    ready: bool,
    missing: Option<String>,
    /// Where a master is not set up to keep what Larder promises.
    warnings: Vec<String>,
    /// How long ago the partitions were looked at, where it is longest.
    seen_seconds_ago: Option<f64>,
    /// The partitions that the four sums do not have in them, because nothing is known of these; null for none.
    unknown_partitions: Option<String>,
    pending: u64,
    oldest_pending_seconds: Option<f64>,
    dead_letters: u64,
    items: u64,
    masters: Vec<MasterStatus>,
    partitions: Vec<PartitionStatus>,
}

#[derive(Serialize)]
struct MasterStatus {
    address: String,
    /// Whether it takes this worker's heartbeats.
    up: bool,
    partitions: String,
    live_workers: Option<usize>,
    replicas: Option<u64>,
    server: Option<String>,
    settings: Option<Durability>,
    memory_used_bytes: Option<u64>,
    /// Null where there is none, or it is not known.
    memory_limit_bytes: Option<u64>,
    keeps_promises: Option<bool>,
}

#[derive(Serialize)]
struct PartitionStatus {
    partition: usize,
    /// Null where no master has it.
    master: Option<String>,
    pending: Option<u64>,
    oldest_pending_seconds: Option<f64>,
    /// Writes ever accepted: rates are differences of it.
    accepted: Option<u64>,
    items: Option<u64>,
    dead_letters: Option<u64>,
}

impl Status {
    /// As of now.
    pub fn of(health: &Health) -> Self {
        let missing = health.ready().err();
        let masters = health.masters();
        let looks: Vec<&Look> = masters.iter().flat_map(|known| known.seen.partitions.values()).collect();
        let sum = |count: fn(&Look) -> Option<u64>| looks.iter().filter_map(|look| count(look)).sum();
        let unknown: Partitions = Partition::all().filter(|p| look_of(&masters, *p).is_none()).collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            ready: missing.is_none(),
            missing,
            warnings: masters.iter().flat_map(warnings).collect(),
            seen_seconds_ago: masters
                .iter()
                .filter_map(|known| known.seen.looked)
                .map(|at| seconds(at.elapsed()))
                .max_by(f64::total_cmp),
            unknown_partitions: (!unknown.is_empty()).then(|| unknown.to_string()),
            pending: sum(|look| Some(look.pending)),
            oldest_pending_seconds: looks.iter().filter_map(|look| look.oldest).max().map(seconds),
            dead_letters: sum(|look| look.dead_letters),
            items: sum(|look| look.items),
            partitions: Partition::all().map(|p| PartitionStatus::of(&masters, p)).collect(),
            masters: masters.into_iter().map(MasterStatus::from).collect(),
        }
    }
}

impl From<MasterHealth> for MasterStatus {
    fn from(known: MasterHealth) -> Self {
        let (up, report) = (known.is_up(), known.seen.report);
        Self {
            address: known.master.address.to_string(),
            up,
            partitions: known.master.partitions.to_string(),
            live_workers: known.seen.live_workers,
            replicas: report.as_ref().and_then(|report| report.replicas),
            server: report.as_ref().map(|report| report.server.clone()),
            memory_used_bytes: report.as_ref().and_then(|report| report.memory_used_bytes),
            memory_limit_bytes: report.as_ref().and_then(|report| report.memory_limit_bytes),
            keeps_promises: report.as_ref().and_then(|report| report.settings.keep_promises()),
            settings: report.map(|report| report.settings),
        }
    }
}

impl PartitionStatus {
    fn of(masters: &[MasterHealth], p: Partition) -> Self {
        let look = look_of(masters, p);
        Self {
            partition: p.index(),
            master: master_of(masters, p).map(|known| known.master.address.to_string()),
            pending: look.map(|look| look.pending),
            oldest_pending_seconds: look.and_then(|look| look.oldest).map(seconds),
            accepted: look.and_then(|look| look.accepted),
            items: look.and_then(|look| look.items),
            dead_letters: look.and_then(|look| look.dead_letters),
        }
    }
}

fn master_of(masters: &[MasterHealth], p: Partition) -> Option<&MasterHealth> {
    masters.iter().find(|known| known.master.partitions.contains(p))
}

fn look_of(masters: &[MasterHealth], p: Partition) -> Option<&Look> {
    master_of(masters, p)?.seen.partitions.get(&p)
}

/// With the master that each is about.
fn warnings(known: &MasterHealth) -> Vec<String> {
    let settings = known.seen.report.iter().map(|report| &report.settings);
    settings
        .flat_map(Durability::warnings)
        .map(|warning| format!("Redis {}: {warning}", known.master.address))
        .collect()
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}
