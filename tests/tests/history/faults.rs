//! A sound system keeps its promise whatever dies.
//!
//! `LARDER_SEED` repeats the plan of a run, not its timing. `LARDER_SOAK_MINUTES` runs rounds, each
//! with a seed and items of its own, until the time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larder_system::System;
use larder_tests::Larder;
use larder_tests::history::nemesis::{Blows, Plan};
use larder_tests::history::{Clock, Follower, Workload, check, check_feed, items, settle};

use crate::Tested;

const CLIENTS: usize = 10;

/// How long the nemesis strikes in a round; longer where one round of blows takes longer.
const ROUND: Duration = Duration::from_secs(18);

/// How long a system may take to be whole again.
const RECOVERY: Duration = Duration::from_secs(60);

fn number(name: &str) -> anyhow::Result<Option<u64>> {
    Ok(std::env::var(name).ok().map(|text| text.parse()).transpose()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_promise_is_kept_while_parts_die_and_hang() -> Tested {
    let soak = Duration::from_secs(60 * number("LARDER_SOAK_MINUTES")?.unwrap_or(0));
    let first_seed = number("LARDER_SEED")?.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let (start, mut seed) = (Instant::now(), first_seed);
    loop {
        round(seed).await?;
        if start.elapsed() >= soak {
            return Ok(());
        }
        seed += 1;
    }
}

async fn round(seed: u64) -> Tested {
    // Short time-outs, so that the pauses of the nemesis exceed some of them.
    let builder =
        System::builder().workers(2).variable("redis_timeout_ms", "300").worker_env("LARDER_COMMAND_TIMEOUT", "300");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    println!("LARDER_SEED={seed}");
    let mut system = larder.take_system();
    let (larder, clock, stop) = (Arc::new(larder), Clock::start(), Arc::new(AtomicBool::new(false)));
    let items = items(&larder);
    let follower = Follower::start(larder.clone(), seed).await?;
    let workload = tokio::spawn({
        let (larder, items, stop) = (larder.clone(), items.clone(), stop.clone());
        async move { Workload { clients: CLIENTS, seed }.run(&larder, &items, clock, &stop).await }
    });

    let (mut blows, start) = (Blows::default(), Instant::now());
    for (number, blow) in Plan::new(seed).enumerate() {
        if number >= Plan::ROUND && start.elapsed() > ROUND {
            break;
        }
        blow.strike(&mut system).await?;
        blows.count(&blow);
    }
    system.wait_until_ready(RECOVERY).await?;
    stop.store(true, Ordering::Relaxed);
    let history = settle(&larder, &items, clock, workload.await?).await?;

    let told = follower.stop().await?;

    let start = Instant::now();
    let report = check(&history);
    println!("faults: {blows}\n{report}, in {} ms", start.elapsed().as_millis());
    assert!(report.violations.is_empty(), "LARDER_SEED={seed}: {}", report.complaint());
    assert!(report.acknowledged() > 0, "nothing was written");
    println!("{} changes told, {} answers thrown away", told.changes.len(), told.broken_off);
    let wrong = check_feed(&history, &told.changes);
    assert!(wrong.is_empty(), "LARDER_SEED={seed}: {}", wrong.join("\n"));
    Ok(())
}
