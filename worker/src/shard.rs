//! The work at one master: one session after the other, with a wait in between.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::cli::Cli;
use crate::health::Health;
use crate::lookout::Lookout;
use crate::masters::Master;
use crate::metric;
use crate::outage_log::OutageLog;
use crate::session::Session;

/// A session that lasted this long was a good one: the next attempts start with short delays again.
const GOOD_SESSION: Duration = Duration::from_secs(2);

/// Works until `stop`. It may be dropped at any moment: all of a commit happens inside Redis.
pub async fn run(master: Master, settings: &Cli, health: &Health, lookout: &Lookout<'_>, stop: &CancellationToken) {
    let mut log = OutageLog::at(&master);
    let mut backoff = Backoff::for_connection();
    let mut lost = false;
    loop {
        let opening = Session::open(&master, settings, health, lookout);
        let Some(opened) = stop.run_until_cancelled(opening).await else { return };
        let outage = match opened {
            Ok(session) => {
                log.over();
                if std::mem::take(&mut lost) {
                    metric::reconnects().increment(1);
                }
                let began = Instant::now();
                match session.run(stop).await {
                    Ok(()) => return,
                    Err(outage) => {
                        lost = true;
                        if began.elapsed() > GOOD_SESSION {
                            backoff = Backoff::for_connection();
                        }
                        outage
                    }
                }
            }
            Err(outage) => outage,
        };
        health.down(&master, &outage);
        log.report(&outage);
        // There may be another master by now.
        lookout.call(&master.address, &outage);
        if stop.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await.is_none() {
            return;
        }
    }
}
