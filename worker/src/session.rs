//! A session: one connection to one master, and all the work for its partitions that is done over it.
//!
//! Everything here lives and dies with the connection. The first part that finds Redis gone ends
//! the session, its error is the one that is told, and the others are dropped where they stand,
//! which is safe because all of a commit happens inside Redis.

mod bells;
mod committer;
mod doorbell;
mod expiry;
mod format;
mod heartbeat;
mod inspection;
mod ownership;
mod sweep;
mod terms;
mod traces;

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::bells::Bells;
use self::committer::{Budget, Committer};
use self::doorbell::Doorbell;
use self::heartbeat::{Heart, Roster};
use self::ownership::Ownership;
use self::sweep::Sweep;
use self::terms::Terms;
use crate::cli::Cli;
use crate::connection::{Connection, Outage};
use crate::health::Health;
use crate::lookout::Lookout;
use crate::masters::Master;

/// How long calls that are under way may take when the worker stops. What is not answered by then
/// is still done, or not, as a whole.
const DRAIN: Duration = Duration::from_millis(400);

/// How long saying goodbye may take; without it the worker counts as live for some seconds more.
const GOODBYE: Duration = Duration::from_millis(200);

/// A connection on which a master has taken a first heartbeat.
pub struct Session<'a> {
    master: &'a Master,
    settings: &'a Cli,
    heart: Heart<'a>,
    connection: Connection,
    bells: Arc<Bells>,
    ownership: Arc<Ownership>,
    roster: Roster,
}

impl<'a> Session<'a> {
    pub async fn open(
        master: &'a Master,
        settings: &'a Cli,
        health: &'a Health,
        lookout: &'a Lookout<'a>,
    ) -> Result<Self, Outage> {
        let bells = Arc::new(Bells::new());
        let ownership = Arc::new(Ownership::of_all(master.partitions));
        let roster_changed = Arc::new(Notify::new());
        let doorbell = Doorbell {
            bells: Arc::clone(&bells),
            ownership: Arc::clone(&ownership),
            roster_changed: Arc::clone(&roster_changed),
        };
        let on_message = move |message| doorbell.on_message(&message);
        let connection = Connection::open(&settings.redis, &master.address, on_message).await?;
        connection.subscribe(master.partitions).await?;
        format::begin(&connection, master.partitions).await?;
        let terms = Terms::start(&connection, master.partitions, settings.redis.sentinel.is_some()).await?;
        expiry::begin(&connection, master.partitions, settings.worker.changes_kept).await?;
        let heart = Heart {
            master,
            name: &settings.worker.name,
            connection: connection.clone(),
            ownership: Arc::clone(&ownership),
            roster_changed,
            terms,
            health,
            lookout,
        };
        let roster = heart.beat().await?;
        // For what was accepted while nobody was subscribed.
        bells.ring_all();
        Ok(Self { master, settings, heart, connection, bells, ownership, roster })
    }

    /// Works until Redis is lost, which is an error, or until `stop`.
    pub async fn run(self, stop: &CancellationToken) -> Result<(), Outage> {
        let Roster { owned, workers, .. } = self.roster;
        let Master { address, partitions } = self.master;
        tracing::info!(master = %address, %partitions, owned, workers, "subscribed");
        let drained = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        let outcome = tokio::select! {
            outcome = self.work(stop) => outcome,
            () = drained => Ok(()),
        };
        if stop.is_cancelled() {
            if !matches!(tokio::time::timeout(GOODBYE, self.heart.stop()).await, Ok(Ok(()))) {
                tracing::debug!("could not deregister; the others will notice");
            }
            return Ok(());
        }
        outcome
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Outage> {
        let (partitions, changes_kept) = (self.master.partitions, self.settings.worker.changes_kept);
        let budget = Budget::among(partitions.len());
        let committers = partitions
            .iter()
            .map(|p| Committer::new(p, &self.connection, &self.bells, &budget, changes_kept, stop).run());
        // Unordered: of many futures, `try_join_all` tells an error only when all before it have ended, and these do not.
        let committers: FuturesUnordered<_> = committers.collect();
        let health = self.heart.health;
        let sweep = Sweep {
            connection: &self.connection,
            master: self.master,
            bells: &self.bells,
            period: self.settings.worker.sweep_interval,
            health: self.settings.worker.admin_listen.map(|_| health),
        };
        tokio::try_join!(
            committers.try_collect::<()>(),
            until(stop, async { Err(self.connection.ended().await) }),
            until(stop, sweep.run()),
            until(stop, self.heart.run(&self.bells)),
            until(stop, inspection::run(&self.connection, self.master, health)),
            until(stop, expiry::run(&self.connection, partitions, &self.ownership, changes_kept)),
        )?;
        Ok(())
    }
}

/// Drops `work` when the worker stops.
async fn until(stop: &CancellationToken, work: impl Future<Output = Result<(), Outage>>) -> Result<(), Outage> {
    stop.run_until_cancelled(work).await.unwrap_or(Ok(()))
}
