//! The worker's life: one session after the other, with a wait in between.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::cli::Cli;
use crate::health::Health;
use crate::outage_log::OutageLog;
use crate::session::Session;

/// A session that lasted this long was a good one: the next attempts start with short delays again.
const GOOD_SESSION: Duration = Duration::from_secs(2);

/// Works until `stop`.
pub async fn run(settings: &Cli, health: &Health, stop: &CancellationToken) {
    let mut log = OutageLog::default();
    let mut backoff = Backoff::for_connection();
    loop {
        let Some(opened) = stop.run_until_cancelled(Session::open(settings, health)).await else { return };
        let outage = match opened {
            Ok(session) => {
                log.over();
                let began = Instant::now();
                match session.run(stop).await {
                    Ok(()) => return,
                    Err(outage) => {
                        if began.elapsed() > GOOD_SESSION {
                            backoff = Backoff::for_connection();
                        }
                        outage
                    }
                }
            }
            Err(outage) => outage,
        };
        health.down(&outage);
        log.report(&outage);
        if stop.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await.is_none() {
            return;
        }
    }
}
