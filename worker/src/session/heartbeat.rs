//! The heartbeat: says that this worker lives, learns who else does, and proves that the master takes
//! writes. It is the first call of a session and its health check from then on.
//!
//! Each master has a roster of its own, in the first of its partitions. So it tells who answers for that master's
//! partitions, whatever is the matter with the others.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use larder_protocol::Partition;
use larder_protocol::limits::HEARTBEAT_INTERVAL;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::bells::Bells;
use super::ownership::Ownership;
use super::terms::Terms;
use crate::connection::{Connection, Failure, Outage};
use crate::health::Health;
use crate::lookout::Lookout;
use crate::masters::Master;
use crate::metric;

/// A heartbeat that takes longer is reason to look whether there is another master by now: a failover may be
/// over before the deadline for commands is.
const LATE: Duration = Duration::from_secs(1);

/// The terms are looked at with every so many heartbeats.
const BEATS_PER_CHECK: u32 = 10;

/// What beats.
pub struct Heart<'a> {
    pub master: &'a Master,
    /// The worker's name.
    pub name: &'a str,
    pub connection: Connection,
    pub ownership: Arc<Ownership>,
    /// Notified when a worker has signed off.
    pub roster_changed: Arc<Notify>,
    pub terms: Terms,
    pub health: &'a Health,
    pub lookout: &'a Lookout<'a>,
}

/// Who commits what, as of a heartbeat.
pub struct Roster {
    /// How many workers live, unless the roster is moving.
    pub workers: Option<usize>,
    /// How many partitions this one owns.
    pub owned: usize,
    /// Whether this one owns others than before.
    pub changed: bool,
}

impl Heart<'_> {
    /// One heartbeat; any failure means that this worker is of no use to the master at present.
    pub async fn beat(&self) -> Result<Roster, Outage> {
        let (workers, changed) = match self.connection.heartbeat(self.home(), self.name).await {
            Ok(live) => (Some(live.len()), self.ownership.update(self.name, &live)),
            // The roster is on its way with its partition. Until it is there nobody is known to come or go.
            Err(Failure::Moving(_)) => (None, false),
            Err(failure) => return Err(failure.into()),
        };
        let owned = self.ownership.count();
        self.health.up(self.master);
        metric::owned_partitions(&self.master.address).set(metric::gauge_value(owned));
        if let Some(workers) = workers {
            metric::live_workers(&self.master.address).set(metric::gauge_value(workers));
            self.health.saw(self.master, |seen| seen.live_workers = Some(workers));
        }
        Ok(Roster { workers, owned, changed })
    }

    /// Beats for as long as Redis answers, regularly and whenever a worker has signed off.
    pub async fn run(&self, bells: &Bells) -> Result<(), Outage> {
        let mut ticks = interval(HEARTBEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate, and the session began with a heartbeat.
        ticks.tick().await;
        let mut checks = (0..BEATS_PER_CHECK).cycle();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.roster_changed.notified() => {}
            }
            let roster = self.beat_or_call().await?;
            if roster.changed {
                let Master { address, partitions } = self.master;
                let Roster { owned, workers, .. } = roster;
                tracing::info!(master = %address, %partitions, owned, workers, "ownership changed");
                // For what was accepted while nobody answered for it.
                bells.ring_all();
            }
            if checks.next() == Some(BEATS_PER_CHECK - 1) {
                self.terms.check(&self.connection).await?;
            }
        }
    }

    /// Takes the worker off the roster.
    pub async fn stop(&self) -> Result<(), Failure> {
        self.connection.deregister(self.home(), self.name).await
    }

    async fn beat_or_call(&self) -> Result<Roster, Outage> {
        let mut beat = pin!(self.beat());
        tokio::select! {
            roster = &mut beat => return roster,
            () = tokio::time::sleep(LATE) => self.lookout.call_early(),
        }
        beat.await
    }

    /// The partition that keeps the roster.
    fn home(&self) -> Partition {
        self.master.partitions.iter().next().expect("a master has at least one partition")
    }
}
