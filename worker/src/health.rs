//! Whether the worker can do its work, and what it last saw, by master.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use larder_protocol::Partition;
use larder_protocol::call::Look;
use larder_protocol::limits::{HEARTBEAT_EXPIRY, HEARTBEAT_INTERVAL};

use crate::connection::{Address, Outage, RedisReport};
use crate::masters::{Master, Masters};
use crate::metric;
use crate::partitions::Partitions;

/// The state of all masters, written by their shards and read by the admin server.
pub struct Health(Mutex<State>);

enum State {
    /// It is not known who the masters are.
    Unknown(String),
    Known {
        masters: Vec<MasterHealth>,
        /// What no master has.
        orphans: Partitions,
    },
}

/// What is known of a master.
#[derive(Clone)]
pub struct MasterHealth {
    pub master: Master,
    heartbeat: Heartbeat,
    pub seen: Seen,
    /// What was said in the log of its settings.
    warned: Vec<String>,
}

/// What was last seen at a master. It is forgotten when the master cannot be used any more.
#[derive(Clone, Default)]
pub struct Seen {
    pub live_workers: Option<usize>,
    pub report: Option<RedisReport>,
    pub partitions: BTreeMap<Partition, Look>,
    /// When the partitions were looked at.
    pub looked: Option<Instant>,
}

#[derive(Clone)]
enum Heartbeat {
    Missing(String),
    Taken(Instant),
}

const NOT_YET: &str = "Redis has not been reached yet";

impl Health {
    pub fn new() -> Self {
        Self(Mutex::new(State::Unknown(NOT_YET.to_owned())))
    }

    /// Nobody tells who the masters are; these were asked.
    pub fn not_found(&self, outage: &Outage, asked: &[Address]) {
        asked.iter().for_each(|address| metric::redis_up(address).set(0.0));
        *self.state() = State::Unknown(outage.to_string());
    }

    /// These are the masters from now on. What is known of those that stay is kept.
    pub fn follow(&self, now: &Masters) {
        let mut state = self.state();
        let before = match &*state {
            State::Known { masters, .. } => masters.clone(),
            State::Unknown(_) => vec![],
        };
        let known = |master: &Master| {
            let known = before.iter().find(|known| known.master == *master).cloned();
            known.unwrap_or_else(|| MasterHealth::new(master))
        };
        *state = State::Known { masters: now.iter().map(known).collect(), orphans: now.orphans() };
    }

    /// The master took a heartbeat.
    pub fn up(&self, master: &Master) {
        self.set(master, Heartbeat::Taken(Instant::now()), 1.0);
    }

    /// The master cannot be used.
    pub fn down(&self, master: &Master, outage: &Outage) {
        self.set(master, Heartbeat::Missing(outage.to_string()), 0.0);
        self.saw(master, |seen| *seen = Seen::default());
    }

    /// Something was seen at the master.
    pub fn saw(&self, master: &Master, note: impl FnOnce(&mut Seen)) {
        self.change(master, |known| note(&mut known.seen));
    }

    /// Whether these warnings about the master are others than before; from now on they are not.
    pub fn warn_anew(&self, master: &Master, warnings: &[String]) -> bool {
        let mut anew = false;
        self.change(master, |known| {
            anew = known.warned != warnings;
            known.warned = warnings.to_vec();
        });
        anew
    }

    /// All masters as they are known, in the order of their partitions; none while it is not known who they are.
    pub fn masters(&self) -> Vec<MasterHealth> {
        match &*self.state() {
            State::Unknown(_) => vec![],
            State::Known { masters, .. } => masters.clone(),
        }
    }

    /// The masters that take heartbeats without delay.
    pub fn well(&self) -> Vec<Address> {
        match &*self.state() {
            State::Unknown(_) => vec![],
            State::Known { masters, .. } => {
                let well = masters.iter().filter(|known| known.heartbeat.is_well());
                well.map(|known| known.master.address.clone()).collect()
            }
        }
    }

    /// Whether that are all of them, and each partition has one.
    pub fn all_well(&self) -> bool {
        match &*self.state() {
            State::Unknown(_) => false,
            State::Known { masters, orphans } => {
                orphans.is_empty() && masters.iter().all(|known| known.heartbeat.is_well())
            }
        }
    }

    /// Ready to commit, or what is missing. A master is named where there is more than one.
    pub fn ready(&self) -> Result<(), String> {
        let state = self.state();
        let (masters, orphans) = match &*state {
            State::Unknown(reason) => return Err(reason.clone()),
            State::Known { masters, orphans } => (masters, orphans),
        };
        let mut missing: Vec<String> = masters
            .iter()
            .filter_map(|MasterHealth { master, heartbeat, .. }| {
                let reason = heartbeat.missing()?;
                let alone = master.partitions == Partitions::all();
                Some(if alone { reason } else { format!("{master}: {reason}") })
            })
            .collect();
        if !orphans.is_empty() {
            missing.push(format!("no master has the partitions {orphans}"));
        }
        if missing.is_empty() { Ok(()) } else { Err(missing.join("; ")) }
    }

    fn set(&self, master: &Master, heartbeat: Heartbeat, up: f64) {
        metric::redis_up(&master.address).set(up);
        metric::master_partitions(&master.address).set(metric::gauge_value(master.partitions.len()));
        self.change(master, |known| known.heartbeat = heartbeat);
    }

    /// What a shard says that is being dropped counts no more.
    fn change(&self, master: &Master, change: impl FnOnce(&mut MasterHealth)) {
        if let State::Known { masters, .. } = &mut *self.state()
            && let Some(known) = masters.iter_mut().find(|known| known.master == *master)
        {
            change(known);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl MasterHealth {
    fn new(master: &Master) -> Self {
        let heartbeat = Heartbeat::Missing(NOT_YET.to_owned());
        Self { master: master.clone(), heartbeat, seen: Seen::default(), warned: vec![] }
    }

    /// Whether it took a heartbeat in time.
    pub fn is_up(&self) -> bool {
        self.heartbeat.missing().is_none()
    }
}

impl Heartbeat {
    fn is_well(&self) -> bool {
        matches!(self, Self::Taken(at) if at.elapsed() < 2 * HEARTBEAT_INTERVAL)
    }

    fn missing(&self) -> Option<String> {
        match self {
            Self::Missing(reason) => Some(reason.clone()),
            Self::Taken(at) if at.elapsed() < HEARTBEAT_EXPIRY => None,
            Self::Taken(at) => Some(format!("the last heartbeat was {:.1} s ago", at.elapsed().as_secs_f64())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> Outage {
        Outage::Unreachable("gone".to_owned())
    }

    #[test]
    fn a_heartbeat_makes_it_ready_and_an_outage_ends_that() {
        let health = Health::new();
        let masters = Masters::made_up(&[(0, 63)]);
        assert!(health.ready().is_err());
        health.not_found(&gone(), &[]);
        assert_eq!(health.ready(), Err("Redis is unreachable: gone".to_owned()));
        health.follow(&masters);
        assert!(health.ready().is_err() && !health.all_well());
        let master = masters.iter().next().unwrap();
        health.up(master);
        assert_eq!((health.ready(), health.all_well()), (Ok(()), true));
        health.down(master, &gone());
        assert_eq!(health.ready(), Err("Redis is unreachable: gone".to_owned()));
    }

    #[test]
    fn of_several_masters_those_that_are_not_well_are_named() {
        let health = Health::new();
        let masters = Masters::made_up(&[(0, 20), (21, 42), (43, 63)]);
        health.follow(&masters);
        masters.iter().for_each(|master| health.up(master));
        assert_eq!(health.ready(), Ok(()));
        let second = masters.iter().nth(1).unwrap();
        health.down(second, &gone());
        let said = "m1:6379 (partitions 21-42): Redis is unreachable: gone";
        assert_eq!(health.ready(), Err(said.to_owned()));
        assert_eq!(health.well().len(), 2);

        // The third has one partition less, which nobody else has, and has not been reached as such.
        health.follow(&Masters::made_up(&[(0, 20), (21, 42), (43, 62)]));
        let all = format!("{said}; m2:6379 (partitions 43-62): {NOT_YET}; no master has the partitions 63");
        assert_eq!(health.ready(), Err(all));
        // What a shard says that is being dropped counts no more.
        health.up(masters.iter().nth(2).unwrap());
        assert_eq!(health.well().len(), 1);
    }
}
