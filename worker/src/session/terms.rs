//! Has revisions tell the term of their primary, in a store that can fail over.
//!
//! A new primary may lack the last writes of the old one, and its clock may be behind. That no revision is given
//! out twice then rests on terms (see `fragment/term.lua` in the protocol). A store that has no replicas does
//! not need them, and pays nothing for them; one that gets replicas later needs them from then on.

use std::sync::atomic::{AtomicBool, Ordering};

use larder_protocol::call;

use crate::connection::{Connection, Failure, Outage};
use crate::partitions::Partitions;

/// Whether the partitions of a session have terms.
pub struct Terms {
    partitions: Partitions,
    /// A Sentinel watches over it.
    watched: bool,
    started: AtomicBool,
}

impl Terms {
    /// Starts them where the master can fail over: before anything else is done there.
    pub async fn start(connection: &Connection, partitions: Partitions, watched: bool) -> Result<Self, Outage> {
        let terms = Self { partitions, watched, started: AtomicBool::new(false) };
        terms.check(connection).await?;
        Ok(terms)
    }

    /// The same later on: replicas may have come.
    pub async fn check(&self, connection: &Connection) -> Result<(), Outage> {
        if self.started.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.start_if_needed(connection).await {
            Ok(started) => self.started.store(started, Ordering::Relaxed),
            Err(Failure::Outage(outage)) => return Err(outage),
            // Most likely it has them already; else it gets them at the next check.
            Err(Failure::Moving(text)) => tracing::debug!("cannot start terms yet: {text}"),
            Err(Failure::Refused(error)) => {
                tracing::warn!(error, "cannot start terms: after a failover, revisions may be given out again");
            }
        }
        Ok(())
    }

    async fn start_if_needed(&self, connection: &Connection) -> Result<bool, Failure> {
        let needed = self.watched || connection.can_fail_over().await?;
        if needed {
            connection.begin(self.partitions, call::start_terms).await?;
        }
        Ok(needed)
    }
}
