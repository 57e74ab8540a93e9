//! An entry that cannot be applied now stays where it is, and so does everything behind it.
//!
//! The worker says once what is wrong, tries again with growing pauses, and goes on by itself.
//! (A full Redis is covered where the scripts are tested: commits go on there.)

use std::time::Duration;

use anyhow::ensure;
use larder_local::system::{Output, WorkerProcess};
use larder_protocol::{Content, Item, ItemId, Operation, Partition, keys};
use larder_tests::{RedisAlone, eventually};
use tempfile::TempDir;

type Tested = anyhow::Result<()>;

/// Long enough for many attempts.
const TROUBLE: Duration = Duration::from_millis(1_500);

/// A Redis, and a worker with a log of its own.
struct Pair {
    worker: WorkerProcess,
    redis: RedisAlone,
    _logs: TempDir,
}

async fn start() -> anyhow::Result<Pair> {
    let (redis, logs) = (RedisAlone::start().await?, TempDir::new()?);
    let log = Output::File(logs.path().join("worker.log"));
    let environment = [("LARDER_LOG", "larder_worker=debug"), ("LARDER_ADMIN_LISTEN", "127.0.0.1:0")];
    let worker = WorkerProcess::start(&redis.server.url(), &environment, &[], log)?;
    let pair = Pair { worker, redis, _logs: logs };
    eventually("the worker lives", async || {
        ensure!(pair.redis.command::<u64>(&["ZCARD", keys::WORKERS]).await? == 1, "no heartbeat yet");
        Ok(())
    })
    .await?;
    Ok(pair)
}

impl Pair {
    fn log(&mut self) -> String {
        self.worker.process().output().text()
    }

    /// Accepts values for the item, one after the other.
    async fn accept(&self, id: &ItemId, values: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut accepted = Vec::new();
        for value in values {
            let content = Content::new(None, value.as_bytes().to_vec())?;
            let reply = self.redis.accept(id, &Operation::Put { content, ttl: None }.into(), 10).await?;
            let [_, redis::Value::BulkString(id)] = &reply[..] else { anyhow::bail!("{reply:?}") };
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

    pair.worker.process().pause()?;
    let accepted = pair.accept(&id, &["one", "two"]).await?;
    // Of a master that is not there, so that nothing is copied from it.
    pair.redis.command::<String>(&["REPLICAOF", "127.0.0.1", "1"]).await?;
    pair.worker.process().resume()?;
    tokio::time::sleep(TROUBLE).await;
    assert_eq!(pair.value(&id).await?.as_deref(), Some("before"));
    assert_eq!(pair.pending(&id).await?, accepted);
    let refused = pair.accept(&id, &["three"]).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("read"), "{refused}");

    pair.redis.command::<String>(&["REPLICAOF", "NO", "ONE"]).await?;
    pair.becomes(&id, "two").await?;
    let log = pair.log();
    let (warnings, back) = (log.matches(" WARN ").count(), log.matches("Redis is back").count());
    assert_eq!((warnings, back), (1, 1), "it is said once\n{log}");
    assert!(log.contains("Redis does not take writes"), "{log}");
    let attempts = log.matches("does not take writes").count();
    println!("{attempts} attempts in {TROUBLE:?}");
    assert!((2..40).contains(&attempts), "{attempts} attempts\n{log}");
    Ok(())
}

#[tokio::test]
async fn a_partition_that_cannot_be_committed_holds_up_no_other() -> Tested {
    let mut pair = start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    // Somebody's mistake: the index cannot be written, which is not the entries' fault.
    pair.redis.command::<String>(&["SET", &keys::index(p), "not a sorted set"]).await?;
    let accepted = pair.accept(&id, &["one", "two"]).await?;
    let elsewhere =
        (0..).filter_map(|n| ItemId::new(n.to_string()).ok()).find(|other| Partition::of(other) != p).unwrap();
    tokio::time::sleep(TROUBLE).await;
    pair.accept(&elsewhere, &["x"]).await?;
    pair.becomes(&elsewhere, "x").await?;
    assert_eq!(pair.pending(&id).await?, accepted);

    pair.redis.command::<u64>(&["DEL", &keys::index(p)]).await?;
    pair.becomes(&id, "two").await?;
    eventually("the worker has said so", async || {
        let log = std::fs::read_to_string(pair._logs.path().join("worker.log"))?;
        ensure!(log.contains("commits again"), "{log}");
        Ok(())
    })
    .await?;
    let log = pair.log();
    assert_eq!(log.matches(" WARN ").count(), 1, "it is said once\n{log}");
    assert_eq!(log.matches("cannot commit; trying again").count(), 1, "{log}");
    let attempts = log.matches("commit failed").count();
    println!("{attempts} attempts in {TROUBLE:?}");
    assert!((2..40).contains(&attempts), "{attempts} attempts\n{log}");
    assert_eq!(pair.redis.command::<Vec<String>>(&["ZRANGE", &keys::index(p), "0", "-1"]).await?, ["a"]);
    Ok(())
}
