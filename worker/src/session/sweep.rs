//! The sweep: finds the writes that no doorbell told of, whoever owns their partition.
//!
//! It is what makes doorbell and ownership optimisations only: if a message was lost, or the owner
//! died or hangs, a write waits for the next sweep and no longer.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::bells::Bells;
use crate::connection::{Connection, Failure, Outage};
use crate::metric;
use crate::partitions::Partitions;

/// Rings the bells of all those partitions that hold writes, at every `period`. Ends when Redis is lost.
pub async fn run(
    connection: &Connection,
    partitions: Partitions,
    bells: &Bells,
    period: Duration,
) -> Result<(), Outage> {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (p, pending) in connection.pending(partitions).await? {
            match pending {
                Ok(pending) => {
                    metric::pending(p).set(metric::gauge_value(usize::try_from(pending).unwrap_or(usize::MAX)));
                    if pending > 0 {
                        bells.ring(p);
                    }
                }
                Err(Failure::Outage(outage)) => return Err(outage),
                // The committer will meet the same error, and knows how to deal with it.
                Err(Failure::Moving(_) | Failure::Refused(_)) => bells.ring(p),
            }
        }
    }
}
