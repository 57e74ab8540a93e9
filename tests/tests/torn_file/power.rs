//! What a 202 rests on: that the disk has what `fdatasync` says it has, and nothing else.
//!
//! `strace`, of Debian, watches what Redis writes to its append-only file and what it syncs; told to, it answers `fdatasync`
//! itself, and the kernel never hears of it: a disk that lies. The power fails: Redis is killed, and its file cut to what was
//! synced, for all else was in memory. (A file system in memory that drops what is not synced, by FUSE, would show the same, and
//! needs a kernel that has it.)

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use larder_protocol::{Content, ItemId, Operation, Partition, StreamId, Write, keys};
use larder_tests::{Aof, RedisAlone, eventually};
use redis::Value;

/// What a disk does when it is told to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Honest,
    Lying,
}

/// How many writes were acknowledged, and how many of them are gone after the power failed.
#[derive(Debug)]
struct Outcome {
    acknowledged: usize,
    lost: usize,
}

#[tokio::test]
async fn what_was_acknowledged_is_on_a_disk_that_syncs() -> Result<()> {
    let outcome = fail_power(Disk::Honest, "always", Duration::from_millis(500)).await?;
    println!("always, a disk that syncs: {outcome:?}");
    ensure!(outcome.acknowledged > 20 && outcome.lost == 0, "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn a_disk_that_lies_loses_all_that_it_lied_about() -> Result<()> {
    let outcome = fail_power(Disk::Lying, "always", Duration::from_millis(500)).await?;
    println!("always, a disk that lies: {outcome:?}");
    ensure!(outcome.acknowledged > 20 && outcome.lost == outcome.acknowledged, "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_sync_for_each_write_the_last_second_is_lost() -> Result<()> {
    let outcome = fail_power(Disk::Honest, "everysec", Duration::from_millis(2_500)).await?;
    println!("everysec, a disk that syncs: {outcome:?}");
    ensure!((1..outcome.acknowledged).contains(&outcome.lost), "{outcome:?}");
    Ok(())
}

/// Accepts writes for so long; then the power fails.
async fn fail_power(disk: Disk, appendfsync: &str, time: Duration) -> Result<Outcome> {
    let mut redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accept(&redis, &id).await?;
    redis.command::<()>(&["CONFIG", "SET", "appendfsync", appendfsync]).await?;
    let file = Aof::find(redis.folder())?;
    let before = std::fs::metadata(&file)?.len();
    let log = redis.folder().join("syscalls");
    let mut watcher = watch(&redis, disk, &log).await?;

    let (start, mut acknowledged) = (Instant::now(), vec![]);
    while start.elapsed() < time {
        acknowledged.push(accept(&redis, &id).await?);
    }
    redis.server.kill().await?;
    watcher.wait()?;
    let synced = before + synced(&std::fs::read_to_string(&log)?)?;
    std::fs::File::options().write(true).open(&file)?.set_len(synced)?;

    redis.restart().await?;
    let entries: Vec<(String, Value)> = redis.command(&["XRANGE", &keys::writes(Partition::of(&id)), "-", "+"]).await?;
    let left = entries.iter().map(|(id, _)| Ok(id.parse()?)).collect::<Result<Vec<StreamId>>>()?;
    let lost = acknowledged.iter().filter(|id| !left.contains(id)).count();
    Ok(Outcome { acknowledged: acknowledged.len(), lost })
}

async fn accept(redis: &RedisAlone, id: &ItemId) -> Result<StreamId> {
    let content = Content::new(None, b"x".to_vec())?;
    let reply = redis.accept(id, &Write::from(Operation::Put { content, ttl: None }), u64::MAX >> 1).await?;
    let [_, Value::BulkString(id), ..] = &reply[..] else { anyhow::bail!("{reply:?}") };
    Ok(std::str::from_utf8(id)?.parse()?)
}

/// Watches the Redis from now on.
async fn watch(redis: &RedisAlone, disk: Disk, log: &PathBuf) -> Result<Child> {
    let pid = redis.server.pid().to_string();
    let mut strace = Command::new("strace");
    // Each thread, with the files' names and without what is written.
    strace.args(["-f", "-y", "-s", "0", "-e", "signal=none", "-e", "trace=write,fdatasync", "-p", &pid, "-o"]).arg(log);
    if disk == Disk::Lying {
        strace.args(["-e", "inject=fdatasync:retval=0"]);
    }
    let strace = strace.stderr(Stdio::null()).spawn().context("cannot run strace (Debian: apt-get install strace)")?;
    eventually("strace watches all threads", async || {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let status = std::fs::read_to_string(thread?.path().join("status"))?;
            ensure!(!status.contains("TracerPid:\t0\n"), "not this one");
        }
        Ok(())
    })
    .await?;
    Ok(strace)
}

/// How many bytes of the append-only file were synced, by what was watched. A call that another thread's came between has a
/// line for its start and one for its end; a sync is of what was written when it started.
fn synced(log: &str) -> Result<u64> {
    let (mut written, mut synced, mut under_way) = (0, 0, HashMap::new());
    for line in log.lines() {
        let thread = line.split_whitespace().next().unwrap_or_default();
        let (call, result) = line.rsplit_once(" = ").unwrap_or((line, ""));
        if call.contains(".incr.aof>") {
            under_way.insert(thread, written);
        }
        let is_end = |name: &str| call.contains(&format!("{name}(")) || call.contains(&format!("{name} resumed"));
        let Some(&start) = under_way.get(thread).filter(|_| !result.is_empty()) else { continue };
        under_way.remove(thread);
        if is_end("write") {
            written += result.parse::<u64>().with_context(|| line.to_owned())?;
        } else if is_end("fdatasync") && result == "0" {
            synced = start;
        }
    }
    Ok(synced)
}
