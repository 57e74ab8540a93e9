//! Asks the master how it is set up and how full it is, and says where it does not keep what Larder promises: once in
//! the log when that begins or changes.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::connection::{Connection, Durability, Failure, Outage};
use crate::health::Health;
use crate::masters::Master;
use crate::metric;

/// Settings change when somebody changes them; memory fills up in minutes.
const PERIOD: Duration = Duration::from_secs(5);

/// Inspects the master again and again. Ends when Redis is lost.
pub async fn run(connection: &Connection, master: &Master, health: &Health) -> Result<(), Outage> {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match connection.report().await {
            Ok(report) => {
                metric::report(&master.address, &report);
                warn(master, &report.settings, health);
                health.saw(master, |seen| seen.report = Some(report));
            }
            Err(Failure::Outage(outage)) => return Err(outage),
            Err(failure) => {
                tracing::debug!(master = %master.address, "cannot inspect Redis: {failure}");
                health.saw(master, |seen| seen.report = None);
            }
        }
    }
}

fn warn(master: &Master, settings: &Durability, health: &Health) {
    let warnings = settings.warnings();
    if !health.warn_anew(master, &warnings) {
        return;
    }
    if warnings.is_empty() {
        tracing::info!(master = %master.address, "Redis is set up to keep what Larder promises, again");
    }
    for warning in warnings {
        tracing::warn!(master = %master.address, "Redis is not set up to keep what Larder promises: {warning}");
    }
}
