//! The sweep: finds the writes that no doorbell told of, whoever owns their partition.
//!
//! It is what makes doorbell and ownership optimisations only: if a message was lost, or the owner
//! died or hangs, a write waits for the next sweep and no longer.

use std::time::{Duration, Instant};

use larder_protocol::Partition;
use tokio::time::{MissedTickBehavior, interval};

use super::bells::{Bells, Cause};
use crate::connection::{Connection, Failure, Outage};
use crate::health::Health;
use crate::masters::Master;
use crate::metric;

/// How often a sweep tells of a partition all that there is to tell, where somebody may ask for it. It takes Redis
/// some 10 microseconds for each partition; the age of what `/status` tells is about this much at most.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// What sweeps.
pub struct Sweep<'a> {
    pub connection: &'a Connection,
    pub master: &'a Master,
    pub bells: &'a Bells,
    pub period: Duration,
    /// Who wants to know how the partitions stand.
    pub health: Option<&'a Health>,
}

/// How many writes wait in each partition, or why that cannot be told.
type Pending = Vec<(Partition, Result<u64, Failure>)>;

impl Sweep<'_> {
    /// Rings the bells of all those partitions that hold writes, again and again. Ends when Redis is lost.
    pub async fn run(&self) -> Result<(), Outage> {
        let mut ticks = interval(self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked: Option<Instant> = None;
        loop {
            ticks.tick().await;
            let pending = match self.health {
                Some(health) if looked.is_none_or(|at| at.elapsed() >= LOOK_PERIOD) => {
                    looked = Some(Instant::now());
                    self.look(health).await
                }
                _ => self.connection.pending(self.master.partitions).await?,
            };
            for (p, pending) in pending {
                match pending {
                    Ok(pending) => {
                        metric::pending(p).set(metric::gauge_value(pending));
                        if pending > 0 {
                            self.bells.ring(p, Cause::Sweep);
                        }
                    }
                    Err(Failure::Outage(outage)) => return Err(outage),
                    // The committer will meet the same error, and knows how to deal with it.
                    Err(Failure::Moving(_) | Failure::Refused(_)) => self.bells.ring(p, Cause::Sweep),
                }
            }
        }
    }

    async fn look(&self, health: &Health) -> Pending {
        let looks = self.connection.look(self.master.partitions).await;
        looks.iter().for_each(|(p, look)| look.iter().for_each(|look| metric::look(*p, look)));
        let told = looks.iter().filter_map(|(p, look)| Some((*p, *look.as_ref().ok()?))).collect();
        health.saw(self.master, |seen| (seen.partitions, seen.looked) = (told, Some(Instant::now())));
        looks.into_iter().map(|(p, look)| (p, look.map(|look| look.pending))).collect()
    }
}
