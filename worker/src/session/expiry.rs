//! Forgets the ids of items that have expired. Redis removes the items by itself; the index is
//! ours to keep.

use std::time::Duration;

use futures::future::try_join_all;
use larder_protocol::Partition;
use larder_protocol::limits::EXPIRE_MAX_IDS;
use tokio::time::{MissedTickBehavior, interval};

use super::ownership::Ownership;
use crate::connection::{Connection, Failure, Outage};
use crate::metric;
use crate::partitions::Partitions;

/// How long an expired id may stay in the index: readers of the index check the item anyway.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks at each partition once, whoever owns it. Then each has a feed of changes, as they shall before the first
/// heartbeat: a store that is ready can be followed.
pub async fn begin(connection: &Connection, partitions: Partitions, changes_kept: u64) -> Result<(), Outage> {
    let each = partitions.iter().map(async |p| match connection.expire(p, changes_kept).await {
        Ok(expired) => {
            metric::expired().increment(expired.removed);
            Ok(())
        }
        Err(Failure::Outage(outage)) => Err(outage),
        Err(failure) => {
            tracing::debug!(partition = %p, "cannot clean the index yet: {failure}");
            Ok(())
        }
    });
    try_join_all(each).await?;
    Ok(())
}

/// Cleans the index of the owned partitions, again and again. Ends when Redis is lost.
pub async fn run(
    connection: &Connection,
    partitions: Partitions,
    ownership: &Ownership,
    changes_kept: u64,
) -> Result<(), Outage> {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for p in partitions.iter().filter(|&p| ownership.owns(p)) {
            match clean(connection, p, changes_kept).await {
                Ok(()) => {}
                Err(Failure::Outage(outage)) => return Err(outage),
                // Nobody waits for this, so it is tried again at the next tick.
                Err(failure) => tracing::debug!(partition = %p, "cannot clean the index: {failure}"),
            }
        }
    }
}

async fn clean(connection: &Connection, p: Partition, changes_kept: u64) -> Result<(), Failure> {
    loop {
        let expired = connection.expire(p, changes_kept).await?;
        metric::expired().increment(expired.removed);
        if expired.looked_at < EXPIRE_MAX_IDS {
            return Ok(());
        }
    }
}
