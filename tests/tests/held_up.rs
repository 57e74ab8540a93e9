//! An entry that cannot be applied now stays where it is, and so does everything behind it.
//!
//! The worker says once what is wrong, tries again with growing pauses, and goes on by itself.
//! (A full Redis is covered where the scripts are tested: commits go on there.)

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::{StreamExt, TryStreamExt, stream};
use larder_protocol::{Content, Item, ItemId, Operation, Partition, StreamId, call, keys};
use larder_system::{Output, Port, RedisServer, WorkerProcess};
use larder_tests::{Direct, RedisAlone, eventually};
use redis::Value;
use tempfile::TempDir;

type Tested = anyhow::Result<()>;

/// How often the worker shall have tried before the trouble ends.
const ATTEMPTS: usize = 6;

/// A Redis, and a worker with a log of its own.
struct Pair {
    worker: WorkerProcess,
    redis: RedisAlone,
    logs: TempDir,
}

async fn start() -> anyhow::Result<Pair> {
    let (redis, logs) = (RedisAlone::start().await?, TempDir::new()?);
    let log = Output::File(logs.path().join("worker.log"));
    let environment = [("LARDER_LOG", "larder_worker=debug"), ("LARDER_ADMIN_LISTEN", "127.0.0.1:0")];
    let worker = WorkerProcess::start(&redis.server.url(), &environment, &[], log)?;
    let pair = Pair { worker, redis, logs };
    eventually("the worker lives", async || {
        ensure!(
            pair.redis
                .command::<u64>(&["ZCARD", &keys::workers(Partition::all().next().expect("there are some"))])
                .await?
                == 1,
            "no heartbeat yet"
        );
        Ok(())
    })
    .await?;
    Ok(pair)
}

impl Pair {
    /// What the worker said so far.
    fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.logs.path().join("worker.log"))?)
    }

    /// Waits until the worker has tried several times, with pauses in between.
    async fn tries_and_pauses(&self, says: &str) -> Tested {
        let start = Instant::now();
        let attempts = eventually("the worker tries again", async || {
            let attempts = self.log()?.matches(says).count();
            ensure!(attempts >= ATTEMPTS, "{attempts} attempts");
            Ok(attempts)
        })
        .await?;
        println!("{attempts} attempts within {:?}", start.elapsed());
        // The pauses double from 20 ms on.
        assert!(start.elapsed() > Duration::from_millis(20 + 40 + 80), "{:?}", start.elapsed());
        Ok(())
    }

    /// Accepts values for the item, one after the other.
    async fn accept(&self, id: &ItemId, values: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut accepted = Vec::new();
        for value in values {
            let content = Content::new(None, value.as_bytes().to_vec())?;
            let reply = self.redis.accept(id, &Operation::Put { content, ttl: None }.into(), 10).await?;
            let [_, Value::BulkString(id), _] = &reply[..] else { anyhow::bail!("{reply:?}") };
            accepted.push(String::from_utf8(id.clone())?);
        }
        Ok(accepted)
    }

    async fn pending(&self, id: &ItemId) -> anyhow::Result<Vec<String>> {
        let entries: Vec<(String, Vec<Vec<u8>>)> =
            self.redis.command(&["XRANGE", &keys::writes(Partition::of(id)), "-", "+"]).await?;
        Ok(entries.into_iter().map(|(id, _)| id).collect())
    }

    async fn value(&self, id: &ItemId) -> anyhow::Result<Option<String>> {
        let stored: Option<Vec<u8>> = self.redis.command(&["GET", &keys::item(id)]).await?;
        Ok(stored.map(Item::decode).transpose()?.map(|item| String::from_utf8_lossy(&item.value).into_owned()))
    }

    async fn becomes(&self, id: &ItemId, value: &str) -> Tested {
        eventually("it is applied", async || {
            let now = self.value(id).await?;
            ensure!(now.as_deref() == Some(value) && self.pending(id).await?.is_empty(), "{now:?}");
            Ok(())
        })
        .await
    }
}

#[tokio::test]
async fn a_redis_that_became_a_replica_keeps_the_entries_until_it_is_none() -> Tested {
    let mut pair = start().await?;
    let id = ItemId::new("a")?;
    pair.accept(&id, &["before"]).await?;
    pair.becomes(&id, "before").await?;

    pair.worker.pause()?;
    // What it had sent a moment before is done.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let accepted = pair.accept(&id, &["one", "two"]).await?;
    // Of a master that is not there, so that nothing is copied from it.
    pair.redis.command::<String>(&["REPLICAOF", "127.0.0.1", "1"]).await?;
    pair.worker.resume()?;
    pair.tries_and_pauses("does not take writes").await?;
    assert_eq!(pair.value(&id).await?.as_deref(), Some("before"));
    assert_eq!(pair.pending(&id).await?, accepted);
    let refused = pair.accept(&id, &["three"]).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("read"), "{refused}");

    pair.redis.command::<String>(&["REPLICAOF", "NO", "ONE"]).await?;
    pair.becomes(&id, "two").await?;
    let log = pair.log()?;
    let (warnings, back) = (log.matches(" WARN ").count(), log.matches("Redis is back").count());
    assert_eq!((warnings, back), (1, 1), "it is said once\n{log}");
    Ok(())
}

#[tokio::test]
async fn a_partition_that_cannot_be_committed_holds_up_no_other() -> Tested {
    let pair = start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    // Somebody's mistake: the index cannot be written, which is not the entries' fault.
    pair.redis.command::<String>(&["SET", &keys::index(p), "not a sorted set"]).await?;
    let accepted = pair.accept(&id, &["one", "two"]).await?;
    let elsewhere =
        (0..).filter_map(|n| ItemId::new(n.to_string()).ok()).find(|other| Partition::of(other) != p).unwrap();
    pair.tries_and_pauses("commit failed").await?;
    pair.accept(&elsewhere, &["x"]).await?;
    pair.becomes(&elsewhere, "x").await?;
    assert_eq!(pair.pending(&id).await?, accepted);
    assert_eq!(pair.value(&id).await?, None, "what is pending does not show");

    pair.redis.command::<u64>(&["DEL", &keys::index(p)]).await?;
    pair.becomes(&id, "two").await?;
    let log = eventually("the worker says that it goes on", async || {
        let log = pair.log()?;
        ensure!(log.contains("commits again"), "{log}");
        Ok(log)
    })
    .await?;
    assert_eq!(log.matches(" WARN ").count(), 1, "it is said once\n{log}");
    assert_eq!(log.matches("cannot commit; trying again").count(), 1, "{log}");
    assert_eq!(pair.redis.command::<Vec<String>>(&["ZRANGE", &keys::index(p), "0", "-1"]).await?, ["a"]);
    Ok(())
}

/// Redis answers while it loads, and what it answers is that it loads.
#[tokio::test]
async fn a_redis_that_loads_its_data_is_waited_for() -> Tested {
    const WRITES: usize = 4_000;
    let (port, folder) = (Port::reserve()?, TempDir::new()?);
    // It looks at its connections after each 1024 commands that it has loaded.
    let slowly = ["--key-load-delay", "250"];
    let mut server = RedisServer::start(folder.path(), port.number(), &slowly).await?;
    let id = ItemId::new("a")?;
    let direct = Direct::open(&server.url()).await?;
    let accept = async |n: usize| {
        let content = Content::new(None, n.to_string().into_bytes()).expect("it has no type to be wrong");
        let put = Operation::Put { content, ttl: None };
        direct.run::<Vec<Value>>(&call::accept(&id, &put.into(), "", WRITES as u64, true)).await
    };
    let replies: Vec<_> = stream::iter(0..WRITES).map(accept).buffered(100).try_collect().await?;
    let mut last = None;
    for reply in replies {
        let [_, Value::BulkString(revision), _] = &reply[..] else { anyhow::bail!("{reply:?}") };
        last = last.max(Some(std::str::from_utf8(revision)?.parse::<StreamId>()?));
    }
    server.kill().await?;

    let log = folder.path().join("worker.log");
    let debug = [("LARDER_LOG", "larder_worker=debug")];
    let worker = WorkerProcess::start(&server.url(), &debug, &[], Output::File(log.clone()))?;
    let start = Instant::now();
    server.restart().await?;
    let loaded = start.elapsed();
    let direct = Direct::open(&server.url()).await?;
    eventually("all is applied", async || {
        let left = direct.pending().await?.iter().sum::<u64>();
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await?;
    let stored = Item::decode(direct.command(&["GET", &keys::item(&id)]).await?)?;
    assert_eq!(Some(stored.head.revision), last);
    let log = std::fs::read_to_string(log)?;
    println!("loaded in {loaded:?}; the worker met that {} times", log.matches("loading its data").count());
    assert_eq!(log.matches(" WARN ").count(), 1, "it is said once\n{log}");
    assert_eq!(log.matches("Redis is back").count(), 1, "{log}");
    drop(worker);
    Ok(())
}
