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

/// How often a sweep asks of a partition all that there is to tell, where somebody may want to know it.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Looking takes no more than this part of the time. A look takes Redis some microseconds for each partition, but
/// milliseconds for one in which large values wait, and it is longer where Redis is busy.
const LOOK_SHARE: u32 = 50;

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
        let mut due = Instant::now();
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let pending = match self.health {
                Some(health) if now >= due => {
                    let pending = self.look(health).await;
                    due = now + LOOK_PERIOD.max(LOOK_SHARE * now.elapsed());
                    pending
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
