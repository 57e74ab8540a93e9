//! The heartbeat: says that this worker lives, learns who else does, and proves that Redis takes
//! writes. It is the first call of a session and its health check from then on.

use larder_protocol::limits::HEARTBEAT_INTERVAL;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::bells::Bells;
use super::ownership::Ownership;
use crate::connection::{Connection, Outage};
use crate::health::Health;
use crate::metric;

/// Who commits what, as of a heartbeat.
pub struct Roster {
    /// How many workers live.
    pub workers: usize,
    /// How many partitions this one owns.
    pub owned: u32,
    /// Whether this one owns others than before.
    pub changed: bool,
}

/// One heartbeat; any failure means that this worker is of no use at present.
pub async fn beat(
    connection: &Connection,
    name: &str,
    ownership: &Ownership,
    health: &Health,
) -> Result<Roster, Outage> {
    let live = connection.heartbeat(name).await?;
    let changed = ownership.update(name, &live);
    let roster = Roster { workers: live.len(), owned: ownership.count(), changed };
    health.up();
    metric::live_workers().set(metric::gauge_value(roster.workers as u64));
    metric::owned_partitions().set(f64::from(roster.owned));
    Ok(roster)
}

/// Beats for as long as Redis answers, regularly and whenever a worker has signed off.
pub async fn run(
    connection: &Connection,
    name: &str,
    ownership: &Ownership,
    roster_changed: &Notify,
    bells: &Bells,
    health: &Health,
) -> Result<(), Outage> {
    let mut ticks = interval(HEARTBEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is immediate, and the session began with a heartbeat.
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = roster_changed.notified() => {}
        }
        let roster = beat(connection, name, ownership, health).await?;
        if roster.changed {
            tracing::info!(partitions = roster.owned, workers = roster.workers, "ownership changed");
            // For what was accepted while nobody answered for it.
            bells.ring_all();
        }
    }
}
