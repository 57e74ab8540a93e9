//! Every accepted write is applied exactly once, however many workers commit the same partition.
//!
//! Workers usually keep off each other's partitions. Here they all meet in one: each sweeps a
//! hundred times a second, and a sweep does not ask who owns what; connections of the test call
//! the commit script beside them, and in the second half workers are killed at work. Three
//! independent books must balance: what the clients were told, what those who commit counted,
//! and the append-only file (see [`audit`]).

mod audit;
mod clients;
mod committers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use larder_protocol::call::CommitReply;
use larder_protocol::{Condition, Content, ItemId, Operation, Partition, Revisions, Write, call, keys, limits};
use larder_system::System;
use larder_tests::{Aof, Direct, Larder, RedisAlone, eventually};
use redis::FromRedisValue;
use reqwest::StatusCode;

use crate::clients::{Items, Tally};

type Tested = anyhow::Result<()>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_apply_each_write_once() -> Tested {
    workers_apply_each_write_once(2).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_workers_apply_each_write_once() -> Tested {
    workers_apply_each_write_once(5).await
}

async fn workers_apply_each_write_once(workers: usize) -> Tested {
    let builder = System::builder()
        .workers(workers)
        .worker_env("LARDER_SWEEP_INTERVAL", "10")
        .worker_env("LARDER_ADMIN_LISTEN", "127.0.0.1:0")
        // Slowness is no news here.
        .variable("redis_timeout_ms", "20000");
    let Some(mut larder) = Larder::own(builder).await? else { return Ok(()) };
    let mut system = larder.take_system();
    let (larder, direct) = (Arc::new(larder), Direct::open(&system.redis.url()).await?);
    let items = items(&larder)?;
    let p = Partition::of(&items.counter);

    // Nobody dies: then those who commit can be asked how much they did.
    let (stop, clients) = start_clients(&larder, &items);
    let extra = committers::start_extra(&system.redis.url(), p, &stop).await?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut told, by_extra) = (clients::join(clients).await?, committers::join(extra).await?);
    let accepted = drained(&direct, p).await?;
    let admins = committers::admin_addresses(&mut system)?;
    let by_workers = eventually("the counters add up", async || {
        let mut taken = Vec::new();
        for admin in &admins {
            taken.push(committers::taken_by(admin).await?);
        }
        let sum = by_extra + taken.iter().sum::<u64>();
        assert!(sum <= accepted, "{sum} taken by {taken:?} and {by_extra}, but only {accepted} accepted");
        // A worker counts when it has its reply.
        ensure!(sum == accepted, "{sum} of {accepted}");
        Ok(taken)
    })
    .await?;
    println!("{workers} workers: {accepted} accepted = {by_workers:?} by workers + {by_extra} by others");

    // They die: then only the file knows.
    let (stop, clients) = start_clients(&larder, &items);
    let extra = committers::start_extra(&system.redis.url(), p, &stop).await?;
    for kill in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let worker = &mut system.workers[kill % workers];
        worker.kill().await?;
        worker.restart().await?;
    }
    stop.store(true, Ordering::Relaxed);
    told += clients::join(clients).await?;
    committers::join(extra).await?;
    let accepted = drained(&direct, p).await?;

    balance(&larder, &items, told).await?;
    let totals = audit::audit(&Aof::read(system.data().path())?)?;
    println!("{workers} workers, 10 kills: {told:?}, the file shows {totals:?}");
    assert_eq!(totals.accepted, accepted);
    assert_eq!(totals.stored, told.increments + told.creations + told.keyed + told.added);
    assert_eq!(totals.remembered, told.keyed + told.added);
    Ok(())
}

fn start_clients(
    larder: &Arc<Larder>,
    items: &Items,
) -> (Arc<AtomicBool>, tokio::task::JoinSet<anyhow::Result<Tally>>) {
    let stop = Arc::default();
    let clients = clients::start(larder, items, &stop);
    (stop, clients)
}

/// Four ids of one partition.
fn items(larder: &Larder) -> anyhow::Result<Items> {
    let p = Partition::of(&larder.id("0"));
    let mut ids = (0..).map(|n| larder.id(&n.to_string())).filter(|id| Partition::of(id) == p);
    let mut next = || ids.next().ok_or_else(|| anyhow::anyhow!("the ids are endless"));
    Ok(Items { counter: next()?, flag: next()?, other: next()?, sum: next()? })
}

/// Waits until the partition is empty, and tells how many writes it ever took.
async fn drained(direct: &Direct, p: Partition) -> anyhow::Result<u64> {
    eventually("all is applied", async || {
        let left: u64 = direct.command(&["XLEN", &keys::writes(p)]).await?;
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await?;
    let info: HashMap<String, redis::Value> = direct.command(&["XINFO", "STREAM", &keys::writes(p)]).await?;
    let added = info.get("entries-added").cloned().context("the stream does not tell")?;
    Ok(u64::from_redis_value(added)?)
}

/// The items are what the clients' successes make them.
async fn balance(larder: &Larder, items: &Items, told: Tally) -> Tested {
    let counter: u64 = larder.get(&items.counter).await?.error_for_status()?.text().await?.parse()?;
    assert_eq!(counter, told.increments, "each success is one step of the counter");
    let sum: u64 = larder.get(&items.sum).await?.error_for_status()?.text().await?.parse()?;
    assert_eq!(sum, told.added, "each addition counts once");
    let up = larder.get(&items.flag).await?.status() == StatusCode::OK;
    assert_eq!(told.creations, told.removals + u64::from(up), "each creation has its removal");
    assert!(
        told.increments > 0 && told.creations > 0 && told.keyed > 0 && told.added > 0 && told.refused > 0,
        "{told:?}"
    );
    Ok(())
}

/// The audit is worth something: a commit that takes off less than it applied is found out.
#[tokio::test]
async fn the_audit_convicts_a_commit_that_applies_twice() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let put = || Operation::Put { content: Content::new(None, b"x".into()).unwrap(), ttl: None };
    let commit = call::commit(p, 10, 1_000, limits::DEFAULT_CHANGES_KEPT);
    let honest = commit.script.source();
    let forgetful = honest.replace("if #done > 0 then", "if #done > 1 then table.remove(done)");
    assert_ne!(honest, forgetful);
    let run = async |script: &str| redis.run_source::<CommitReply>(script, &commit).await;

    let never = Condition { if_none_match: Some(Revisions::Any), ..Condition::default() };
    for script in [honest, &forgetful] {
        redis.accept(&id, &put().into(), 10).await?;
        redis
            .accept(&id, &Write { condition: never.clone(), wait: Some(Duration::from_secs(60)), ..put().into() }, 10)
            .await?;
        run(script).await?;
        run(honest).await?;
        let verdict = audit::audit(&Aof::read(redis.folder())?);
        match script == honest {
            true => assert_eq!(verdict?.accepted, 2),
            false => println!("convicted: {}", verdict.unwrap_err()),
        }
    }
    Ok(())
}
