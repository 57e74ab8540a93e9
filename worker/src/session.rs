//! A session: one connection to Redis and all the work that is done over it.
//!
//! Everything here lives and dies with the connection. The first part that finds Redis gone ends
//! the session, its error is the one that is told, and the others are dropped where they stand,
//! which is safe because all of a commit happens inside Redis.

mod bells;
mod committer;
mod doorbell;
mod expiry;
mod heartbeat;
mod ownership;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use larder_protocol::{Partition, keys};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::bells::Bells;
use self::committer::{Budget, Committer};
use self::doorbell::Doorbell;
use self::heartbeat::Roster;
use self::ownership::Ownership;
use crate::cli::Cli;
use crate::connection::{Connection, Outage};
use crate::health::Health;

/// How long calls that are under way may take when the worker stops. What is not answered by then
/// is still done, or not, as a whole.
const DRAIN: Duration = Duration::from_millis(400);

/// How long saying goodbye may take; without it the worker counts as live for some seconds more.
const GOODBYE: Duration = Duration::from_millis(200);

/// A connection on which Redis has taken a first heartbeat.
pub struct Session<'a> {
    settings: &'a Cli,
    health: &'a Health,
    connection: Connection,
    bells: Arc<Bells>,
    ownership: Arc<Ownership>,
    roster_changed: Arc<Notify>,
    disconnected: CancellationToken,
    roster: Roster,
}

impl<'a> Session<'a> {
    pub async fn open(settings: &'a Cli, health: &'a Health) -> Result<Self, Outage> {
        let (bells, ownership) = (Arc::new(Bells::default()), Arc::new(Ownership::default()));
        let (roster_changed, disconnected) = (Arc::new(Notify::new()), CancellationToken::new());
        let doorbell = Doorbell {
            bells: Arc::clone(&bells),
            ownership: Arc::clone(&ownership),
            roster_changed: Arc::clone(&roster_changed),
            disconnected: disconnected.clone(),
        };
        let on_push = move |push| {
            doorbell.on_push(push);
            Ok::<(), redis::aio::SendError>(())
        };
        let connection = Connection::open(&settings.redis, on_push).await?;
        let roster = heartbeat::beat(&connection, &settings.worker.name, &ownership, health).await?;
        // For what was accepted while nobody was subscribed.
        bells.ring_all();
        Ok(Self { settings, health, connection, bells, ownership, roster_changed, disconnected, roster })
    }

    /// Works until Redis is lost, which is an error, or until `stop`.
    pub async fn run(self, stop: &CancellationToken) -> Result<(), Outage> {
        tracing::info!(
            channel = keys::DOORBELL,
            partitions = self.roster.owned,
            workers = self.roster.workers,
            "subscribed"
        );
        let drained = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        let outcome = tokio::select! {
            outcome = self.work(stop) => outcome,
            () = drained => Ok(()),
        };
        if stop.is_cancelled() {
            let goodbye = self.connection.deregister(&self.settings.worker.name);
            if !matches!(tokio::time::timeout(GOODBYE, goodbye).await, Ok(Ok(()))) {
                tracing::debug!("could not deregister; the others will notice");
            }
            return Ok(());
        }
        outcome
    }

    async fn beat(&self) -> Result<(), Outage> {
        let name = &self.settings.worker.name;
        heartbeat::run(&self.connection, name, &self.ownership, &self.roster_changed, &self.bells, self.health).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Outage> {
        let (budget, changes_kept) = (Budget::new(), self.settings.worker.changes_kept);
        let committers = Partition::all()
            .map(|p| Committer::new(p, &self.connection, &self.bells, &budget, changes_kept, stop).run());
        tokio::try_join!(
            try_join_all(committers),
            until(stop, self.disconnection()),
            until(stop, sweep::run(&self.connection, &self.bells, self.settings.worker.sweep_interval)),
            until(stop, self.beat()),
            until(stop, expiry::run(&self.connection, &self.ownership, changes_kept)),
        )?;
        Ok(())
    }

    /// Ends as soon as the connection does, though nobody may be waiting for a reply.
    async fn disconnection(&self) -> Result<(), Outage> {
        self.disconnected.cancelled().await;
        Err(Outage::Unreachable("it closed the connection".to_owned()))
    }
}

/// Drops `work` when the worker stops.
async fn until(stop: &CancellationToken, work: impl Future<Output = Result<(), Outage>>) -> Result<(), Outage> {
    stop.run_until_cancelled(work).await.unwrap_or(Ok(()))
}
