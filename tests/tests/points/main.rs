//! Every point of failure between the component and Redis.
//!
//! A scenario runs untouched, and its commands are counted. Then it runs once for each of them and each fault. What the
//! client was told must be true each time: statuses, outcomes, values, revisions, the feed and the index.
//!
//! `make test` runs all points on one Redis, and a share of those of a primary with a replica, drawn by `LARDER_SEED`;
//! `LARDER_POINTS=all` (`make soak`) runs all. `LARDER_POINT='One/0.3/put-wait/2/CutAfter'` repeats one,
//! a part of that all that begin so.

mod fault;
mod lane;
mod point;
mod proxy;
mod scenario;
mod stream;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::try_join_all;
use larder_system::Wasi;

use self::fault::Fault;
use self::lane::{Lane, Topology};
use self::point::Point;

type Tested = anyhow::Result<()>;

/// Stores that work at once.
const LANES: usize = 4;

/// Points of streams in a run that is not to run all.
const STREAMS: usize = 40;

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn next_id() -> larder_protocol::ItemId {
    scenario::id(NUMBER.fetch_add(1, Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_true_on_one_redis() -> Tested {
    for wasi in [Wasi::V0_3, Wasi::V0_2] {
        run(Topology::One, wasi, usize::MAX).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_true_with_a_replica() -> Tested {
    let share = if runs_all() { usize::MAX } else { 400 };
    for wasi in [Wasi::V0_3, Wasi::V0_2] {
        run(Topology::Replica, wasi, share).await?;
    }
    Ok(())
}

/// The worker's side: each kind of command that it sends, while a write is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_does_each_write_once() -> Tested {
    let scenario = scenario::ALL.iter().find(|scenario| scenario.name == "increment").expect("it is there");
    let lanes = try_join_all((0..LANES).map(|_| Lane::start(Topology::One, Wasi::V0_3))).await?;
    let ran = Point { scenario, fault: None }.run_beside(&lanes[0], next_id(), "").await?;
    let commands: BTreeSet<_> = ran.commands.into_iter().collect();
    let faults = Fault::of_one_redis();
    let mut points: Vec<_> =
        commands.iter().flat_map(|command| faults.iter().map(move |fault| (command.clone(), *fault))).collect();
    let only = std::env::var("LARDER_POINT").ok();
    points.retain(|(command, fault)| {
        only.as_ref().is_none_or(|only| format!("worker/{command}/{fault}").starts_with(only))
    });
    let (all, seed) = (points.len(), seed());
    fastrand::Rng::with_seed(seed).shuffle(&mut points);
    let count = points.len();
    let queue = Arc::new(Mutex::new(VecDeque::from(points)));
    let work = |lane: Lane| {
        let queue = queue.clone();
        async move {
            let mut violations = vec![];
            loop {
                let Some((command, fault)) = queue.lock().expect("nobody panics with it").pop_front() else { break };
                let point = Point { scenario, fault: Some((usize::MAX, fault)) };
                let ran = point.run_beside(&lane, next_id(), &command).await;
                let wrong =
                    ran.map_or_else(|error| Some(format!("it could not be run: {error:#}")), |ran| ran.violation);
                violations.extend(wrong.map(|wrong| format!("LARDER_POINT='worker/{command}/{fault}'\n    {wrong}")));
            }
            anyhow::Ok(violations)
        }
    };
    let violations = try_join_all(lanes.into_iter().map(work)).await?.concat();
    println!(
        "worker: {} commands, {count} of {all} points (seed {seed}), {} violations",
        commands.len(),
        violations.len()
    );
    anyhow::ensure!(violations.is_empty(), "{}", violations.join("\n"));
    Ok(())
}

fn runs_all() -> bool {
    std::env::var("LARDER_POINTS").is_ok_and(|points| points == "all")
}

fn seed() -> u64 {
    let given = std::env::var("LARDER_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| fastrand::u64(..1_000_000))
}

/// Runs so many points at most.
async fn run(topology: Topology, wasi: Wasi, most: usize) -> Tested {
    let only = std::env::var("LARDER_POINT").ok();
    let name = format!("{topology:?}/{wasi}");
    if only.as_ref().is_some_and(|only| !only.starts_with(&name) && !name.starts_with(only)) {
        return Ok(());
    }
    let start = std::time::Instant::now();
    let lanes = try_join_all((0..LANES).map(|_| Lane::start(topology, wasi))).await?;
    let mut faults = Fault::of_one_redis();
    if topology == Topology::Replica {
        faults.extend(Fault::of_a_replica());
    }
    let (mut points, mut commands) = (vec![], 0);
    for scenario in &scenario::ALL {
        let untouched = Point { scenario, fault: None };
        // The first request of an instance does more than those after it.
        untouched.run(&lanes[0], next_id()).await?;
        let ran = untouched.run(&lanes[0], next_id()).await?;
        anyhow::ensure!(ran.violation.is_none(), "{name}/{}: {}", scenario.name, ran.violation.unwrap_or_default());
        commands += ran.commands.len();
        for n in 0..ran.commands.len() {
            let faults = faults.iter().filter(|fault| n == 0 || !fault.is_before_all());
            let faults = faults.filter(|fault| !scenario.is_stream() || !fault.stops_writes());
            points.extend(faults.map(|fault| Point { scenario, fault: Some((n, *fault)) }));
        }
    }
    let title = |point: &Point| {
        let (n, fault) = point.fault.expect("each has a fault");
        format!("{name}/{}/{n}/{fault}", point.scenario.name)
    };
    points.retain(|point| only.as_ref().is_none_or(|only| title(point).starts_with(only.as_str())));
    let all = points.len();
    let seed = seed();
    fastrand::Rng::with_seed(seed).shuffle(&mut points);
    // A stream takes longer than the others together.
    let mut streams = 0;
    points.retain(|point| {
        streams += usize::from(point.scenario.is_stream());
        runs_all() || !point.scenario.is_stream() || streams <= STREAMS
    });
    points.truncate(most);
    let count = points.len();

    let queue = Arc::new(Mutex::new(VecDeque::from(points)));
    let work = |lane: Lane| {
        let queue = queue.clone();
        async move {
            let (mut violations, mut struck) = (vec![], 0);
            loop {
                let Some(point) = queue.lock().expect("nobody panics with it").pop_front() else { break };
                let title = title(&point);
                match point.run(&lane, next_id()).await {
                    Ok(ran) => {
                        struck +=
                            usize::from(ran.has_struck || point.fault.is_some_and(|(_, fault)| fault.is_before_all()));
                        violations.extend(
                            ran.violation
                                .map(|wrong| format!("LARDER_POINT='{title}'\n    {wrong}\n    {:?}", ran.commands)),
                        );
                    }
                    Err(error) => {
                        violations.push(format!("LARDER_POINT='{title}'\n    it could not be run: {error:#}"))
                    }
                }
            }
            anyhow::Ok((violations, struck))
        }
    };
    let ran = try_join_all(lanes.into_iter().map(work)).await?;
    let struck: usize = ran.iter().map(|(_, struck)| struck).sum();
    let violations: Vec<_> = ran.into_iter().flat_map(|(violations, _)| violations).collect();
    println!(
        "{name}: {} scenarios, {commands} commands, {count} of {all} points (seed {seed}), {struck} faults, {} violations, in {:?}",
        scenario::ALL.len(),
        violations.len(),
        start.elapsed()
    );
    anyhow::ensure!(violations.is_empty(), "{}", violations.join("\n"));
    Ok(())
}
