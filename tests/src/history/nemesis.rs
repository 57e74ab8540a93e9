//! The nemesis: kills and pauses the parts of a system, as a seed tells it.
//!
//! One blow at a time, and each part is back before the next blow. It goes through all kinds in
//! random order before it repeats one, so that a short run has them all.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use larder_system::System;

/// What is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// One of the workers.
    Worker(usize),
    /// All of them, so that writes pile up.
    Workers,
    /// Redis.
    Redis,
    /// The component's host.
    Component,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL, and started again afterwards.
    Kill,
    /// SIGSTOP, and SIGCONT afterwards: connections stay, and what was sent meanwhile is done.
    Pause,
}

/// One thing that the nemesis does.
#[derive(Clone, Copy, Debug)]
pub struct Blow {
    /// The peace before.
    pub after: Duration,
    /// Who is hit.
    pub victim: Victim,
    /// How.
    pub fault: Fault,
    /// For how long.
    pub lasts: Duration,
}

/// How often each kind of blow was struck.
#[derive(Clone, Debug, Default)]
pub struct Blows(BTreeMap<(Victim, Fault), usize>);

/// The blows of a seed; there is no end of them.
#[derive(Debug)]
pub struct Plan {
    rng: Rng,
    ahead: Vec<(Victim, Fault)>,
}

/// Every kind of blow against a system of two workers.
const KINDS: [(Victim, Fault); 10] = [
    (Victim::Worker(0), Fault::Kill),
    (Victim::Worker(1), Fault::Kill),
    (Victim::Workers, Fault::Kill),
    (Victim::Redis, Fault::Kill),
    (Victim::Component, Fault::Kill),
    (Victim::Worker(0), Fault::Pause),
    (Victim::Worker(1), Fault::Pause),
    (Victim::Workers, Fault::Pause),
    (Victim::Redis, Fault::Pause),
    (Victim::Component, Fault::Pause),
];

impl Plan {
    /// How many blows it takes to strike each kind once.
    pub const ROUND: usize = KINDS.len();

    /// The plan of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), ahead: vec![] }
    }
}

impl Iterator for Plan {
    type Item = Blow;

    fn next(&mut self) -> Option<Blow> {
        if self.ahead.is_empty() {
            self.ahead = KINDS.to_vec();
            self.rng.shuffle(&mut self.ahead);
        }
        let (victim, fault) = self.ahead.pop()?;
        let after = Duration::from_millis(self.rng.u64(50..600));
        // Long enough for some of the time-outs of the clients, the component and the workers.
        let lasts = Duration::from_millis(self.rng.u64(10..900));
        Some(Blow { after, victim, fault, lasts })
    }
}

impl Blow {
    /// Strikes a system, and heals it.
    ///
    /// # Errors
    /// Where a process cannot be signalled or started.
    pub async fn strike(self, system: &mut System) -> anyhow::Result<()> {
        tokio::time::sleep(self.after).await;
        let workers = match self.victim {
            Victim::Worker(number) => number..number + 1,
            Victim::Workers => 0..system.workers.len(),
            Victim::Redis | Victim::Component => 0..0,
        };
        let workers = &mut system.workers[workers];
        let processes = workers.iter_mut().map(|worker| &mut **worker);
        let redis = if self.victim == Victim::Redis { system.redis.processes() } else { vec![] };
        let processes = processes.chain(redis).chain((self.victim == Victim::Component).then(|| &mut *system.api));
        for process in processes {
            match self.fault {
                Fault::Kill => process.kill().await?,
                Fault::Pause => process.pause()?,
            }
        }
        tokio::time::sleep(self.lasts).await;
        for worker in workers {
            match self.fault {
                Fault::Kill => worker.restart().await?,
                Fault::Pause => worker.resume()?,
            }
        }
        match (self.victim, self.fault) {
            (Victim::Redis, Fault::Kill) => system.redis.restart().await,
            (Victim::Redis, Fault::Pause) => system.redis.resume(),
            (Victim::Component, Fault::Kill) => system.api.restart().await,
            (Victim::Component, Fault::Pause) => system.api.resume(),
            _ => Ok(()),
        }
    }
}

impl Blows {
    /// Counts a blow.
    pub fn count(&mut self, blow: &Blow) {
        *self.0.entry((blow.victim, blow.fault)).or_default() += 1;
    }
}

impl fmt::Display for Blows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blows = self.0.iter().map(|((victim, fault), count)| {
            let victim = match victim {
                Victim::Worker(number) => format!("worker {number}"),
                Victim::Workers => "all workers".to_owned(),
                Victim::Redis => "Redis".to_owned(),
                Victim::Component => "component".to_owned(),
            };
            format!("{victim} {} {count}x", if *fault == Fault::Kill { "killed" } else { "paused" })
        });
        f.write_str(&blows.collect::<Vec<_>>().join(", "))
    }
}
