//! Keeps an eye on who the masters are.
//!
//! As long as all of them are well nobody is asked: a master that loses a partition says so to the session. Once
//! one is not well, or says that a partition has moved, the lookout asks at once, and again with short pauses until
//! all are well.
//!
//! Whom it asks first matters, since a node that was cut off tells what it knew then. A master that says that a
//! partition has moved knows where. Masters that take heartbeats are on the side of the cluster that goes on. The
//! rest comes last, and all at once: one that answers is enough.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::backoff::Backoff;
use crate::cli::Cli;
use crate::connection::{Address, Outage};
use crate::health::Health;
use crate::masters::{self, Masters};
use crate::outage_log::OutageLog;

/// Between two looks at the least, however many sessions ask for one.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Lookout<'a> {
    settings: &'a Cli,
    health: &'a Health,
    masters: watch::Sender<Option<Masters>>,
    called: Notify,
    /// Who said last that a partition has moved.
    informed: Mutex<Option<Address>>,
}

impl<'a> Lookout<'a> {
    pub fn new(settings: &'a Cli, health: &'a Health) -> Self {
        let (masters, _) = watch::channel(None);
        Self { settings, health, masters, called: Notify::new(), informed: Mutex::new(None) }
    }

    /// The masters; `None` until they are found.
    pub fn masters(&self) -> watch::Receiver<Option<Masters>> {
        self.masters.subscribe()
    }

    /// The master at `address` is not well, for this reason.
    pub fn call(&self, address: &Address, outage: &Outage) {
        if matches!(outage, Outage::Moved(_)) {
            *self.informed.lock().expect("nobody panics with it") = Some(address.clone());
        }
        self.called.notify_one();
    }

    /// A master keeps somebody waiting.
    pub fn call_early(&self) {
        self.called.notify_one();
    }

    /// Looks for as long as it is polled.
    pub async fn run(&self) {
        let (mut log, mut backoff) = (OutageLog::default(), Backoff::for_look());
        loop {
            self.look(&mut log).await;
            tokio::time::sleep(PAUSE).await;
            if self.health.all_well() {
                backoff = Backoff::for_look();
                self.called.notified().await;
            } else {
                _ = tokio::time::timeout(backoff.next_delay(), self.called.notified()).await;
            }
        }
    }

    async fn look(&self, log: &mut OutageLog) {
        let informed = self.informed.lock().expect("nobody panics with it").take();
        let known: Vec<Address> =
            self.masters.borrow().iter().flat_map(Masters::iter).map(|master| master.address.clone()).collect();
        let groups = [informed.into_iter().collect(), self.health.well(), known];
        match masters::find(&self.settings.redis, &groups).await {
            Ok(masters) => {
                log.over();
                self.masters.send_if_modified(|known| {
                    let changed = known.as_ref() != Some(&masters);
                    *known = Some(masters);
                    changed
                });
            }
            // Those that are known tell of their troubles themselves.
            Err(outage) if self.masters.borrow().is_some() => tracing::debug!("cannot look for the masters: {outage}"),
            Err(outage) => {
                self.health.not_found(&outage, self.settings.redis.url.addresses());
                log.report(&outage);
            }
        }
    }
}
