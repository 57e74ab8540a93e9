//! A cluster keeps the promise while its masters die, hang and are replaced: all of it where a write is
//! acknowledged once a replica has it; without that, what is not lost.
//!
//! `LARDER_FAILOVERS=50` goes on until so many have happened. Plain reads are left out of the check: a master
//! that was replaced and does not know it yet answers them with what it has (docs/guarantees.md).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_protocol::{Partition, StreamId};
use larder_system::{System, Topology};
use larder_tests::Larder;
use larder_tests::history::failover::Nemesis;
use larder_tests::history::{Answer, Call, Clock, Fate, History, Operation, Workload, check, items, settle};

use crate::Tested;

const CLIENTS: usize = 8;

/// How long a system may take to be whole again.
const RECOVERY: Duration = Duration::from_secs(60);

const NODE_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_replica_has_is_lost_with_its_master() -> Tested {
    let Some((nemesis, mut history)) = run(1).await? else { return Ok(()) };
    leave_reads_out(&mut history);
    let report = check(&history);
    println!("min_replicas=1: {nemesis}\n{report}");
    assert!(report.violations.is_empty(), "{}", report.complaint());
    assert!(report.acknowledged() > 0, "nothing was written");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_without_replicas_is_a_tail_and_no_revision_comes_twice() -> Tested {
    let Some((nemesis, mut history)) = run(0).await? else { return Ok(()) };
    leave_reads_out(&mut history);
    let total = history.operations.iter().filter(|operation| operation.answer.acknowledged().is_some()).count();
    let given = owners(&history);
    let lost = forget_what_was_lost(&mut history);
    let report = check(&history);
    println!("min_replicas=0: {nemesis}\n{total} writes acknowledged, {lost} of them lost\n{report}");
    assert!(given.values().all(|owners| *owners == 1), "a revision was given to two writes");
    assert!(report.violations.is_empty(), "{}", report.complaint());
    Ok(())
}

/// Clients work on items of one shard while the nemesis strikes it.
async fn run(min_replicas: u8) -> anyhow::Result<Option<(Nemesis, History)>> {
    let wanted: usize = std::env::var("LARDER_FAILOVERS").map_or(Ok(0), |text| text.parse())?;
    let seed = fastrand::u64(..1_000_000_000);
    let builder = System::builder()
        .topology(Topology::Cluster(3))
        .node_timeout(NODE_TIMEOUT)
        .workers(2)
        .variable("min_replicas", &min_replicas.to_string())
        .worker_env("LARDER_COMMAND_TIMEOUT", "1000");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(None) };
    println!("seed {seed}");
    let mut system = larder.take_system();
    let (larder, clock, stop) = (Arc::new(larder), Clock::start(), Arc::new(AtomicBool::new(false)));
    let items = items(&larder);
    let slot = Partition::of(&items[0]).slot();
    let workload = tokio::spawn({
        let (larder, items, stop) = (larder.clone(), items.clone(), stop.clone());
        async move { Workload { clients: CLIENTS, seed }.run(&larder, &items, clock, &stop).await }
    });

    let mut nemesis = Nemesis::new(seed);
    let mut strikes = 0;
    while strikes < Nemesis::ROUND || nemesis.failovers < wanted {
        let cluster = system.redis.cluster_mut().expect("it was asked for");
        nemesis.strike(cluster, slot).await?;
        strikes += 1;
    }
    system.wait_until_ready(RECOVERY).await?;
    stop.store(true, Ordering::Relaxed);
    let history = settle(&larder, &items, clock, workload.await?).await?;
    Ok(Some((nemesis, history)))
}

fn leave_reads_out(history: &mut History) {
    history.operations.retain(|operation| !matches!(operation.call, Call::Read { .. }));
}

/// How many writes were acknowledged under each revision.
fn owners(history: &History) -> HashMap<(Partition, StreamId), usize> {
    let mut owners = HashMap::new();
    for operation in &history.operations {
        if let Some(id) = operation.answer.acknowledged() {
            *owners.entry((history.partition(operation.item), id)).or_default() += 1;
        }
    }
    owners
}

/// Takes the acknowledged writes that the store knows nothing of out of the history, and what was told of the
/// states that they made: a failed condition names such a state, or the absence that such a delete left. Answers how
/// many writes those are.
fn forget_what_was_lost(history: &mut History) -> usize {
    let is_lost = |operation: &Operation| {
        let id = operation.answer.acknowledged()?;
        let lost = history.fates.get(&history.revision(operation.item, id)) == Some(&Fate::Lost);
        lost.then_some((history.partition(operation.item), id))
    };
    let lost: HashSet<_> = history.operations.iter().filter_map(is_lost).collect();
    let items: Vec<_> = (0..history.items.len()).map(|item| history.partition(item)).collect();
    history.operations.retain(|operation| match &operation.answer {
        Answer::Failed { .. } => lost.is_empty(),
        answer => answer.acknowledged().is_none_or(|id| !lost.contains(&(items[operation.item], id))),
    });
    lost.len()
}
