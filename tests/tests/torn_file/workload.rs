//! Random writes to few items of one partition, accepted and committed at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use larder_protocol::{
    Condition, Content, ItemId, Operation, Partition, Revisions, StreamId, Write, call, keys, limits,
};
use larder_system::RedisServer;
use larder_tests::{Aof, Direct};
use redis::{FromRedisValue, Value};
use tokio::task::JoinSet;

use crate::model::Accepted;

/// What was sent, by the entry that it makes; to different effect, it has different entries.
type Sent = HashMap<Vec<Vec<u8>>, (ItemId, Write)>;

/// The partition of the items, and what was done to them.
#[derive(Clone)]
pub struct Workload {
    ids: Vec<ItemId>,
    sent: Arc<Mutex<Sent>>,
    acknowledged: Arc<Mutex<Vec<StreamId>>>,
}

impl Workload {
    /// Three items of one partition.
    pub fn new() -> Self {
        let mut ids = (0..).filter_map(|n| ItemId::new(format!("item {n}")).ok());
        let first = ids.next().into_iter().collect::<Vec<_>>();
        let p = Partition::of(&first[0]);
        let ids = first.into_iter().chain(ids.filter(|id| Partition::of(id) == p).take(2)).collect();
        Self { ids, sent: Arc::default(), acknowledged: Arc::default() }
    }

    /// Where the items are.
    pub fn partition(&self) -> Partition {
        Partition::of(&self.ids[0])
    }

    /// Accepts one random write, to be told from all others by `name`.
    pub async fn accept(&self, direct: &Direct, rng: &mut Rng, name: &str) -> Result<()> {
        let id = &self.ids[rng.usize(..self.ids.len())];
        let write = self.random(rng, id, name)?;
        self.sent.lock().expect("nobody panics with it").insert(write.fields(id), (id.clone(), write.clone()));
        let reply: Vec<Value> = direct.run(&call::accept(id, &write, "digest", 100, true)).await?;
        match &reply[..] {
            [Value::BulkString(word), revision, _] if word == b"accepted" => {
                let revision = String::from_redis_value(revision.clone())?.parse()?;
                self.acknowledged.lock().expect("nobody panics with it").push(revision);
            }
            // Judged at once, or no room: nothing was written.
            [Value::BulkString(word), ..] => ensure!(word == b"rejected" || word == b"full", "{reply:?}"),
            _ => anyhow::bail!("{reply:?}"),
        }
        Ok(())
    }

    fn random(&self, rng: &mut Rng, id: &ItemId, name: &str) -> Result<Write> {
        let operation = match rng.u8(..6) {
            0 => Operation::Delete,
            1 => Operation::Increment { by: rng.i64(-9..=9), ttl: None },
            kind => {
                let padding = "x".repeat(rng.usize(..200));
                let content = Content::new(Some("text/plain"), format!("{name} {padding}").into_bytes())?;
                // None of them ends while the test runs.
                match kind {
                    2 => Operation::Replace { content },
                    _ => Operation::Put { content, ttl: (kind == 3).then_some(Duration::from_secs(3_600)) },
                }
            }
        };
        let any = |chosen: bool| chosen.then_some(Revisions::Any);
        let condition = match rng.u8(..6) {
            0 => {
                // Some revision of the partition: rarely the item's own.
                let known = self.acknowledged.lock().expect("nobody panics with it");
                let recent = known.iter().rev().take(4).copied().collect();
                Condition { if_match: Some(Revisions::These(recent)), if_none_match: None }
            }
            one => Condition { if_match: any(one == 1), if_none_match: any(one == 2) },
        };
        let idempotency = (rng.u8(..3) == 0).then(|| keys::idempotency(id, "", name));
        let wait = rng.bool().then_some(Duration::from_secs(3_600));
        Ok(Write { operation, condition, wait, idempotency, trace: None })
    }

    /// Accepts and commits over several connections, and kills Redis in the midst of it.
    pub async fn run_until_killed(&self, redis: &mut RedisServer, rng: &mut Rng, run: Duration) -> Result<()> {
        let mut parties = JoinSet::new();
        for party in 0..5 {
            let (workload, direct, mut rng) = (self.clone(), Direct::open(&redis.url()).await?, rng.fork());
            parties.spawn(async move {
                for n in 0.. {
                    let done = if party < 3 {
                        workload.accept(&direct, &mut rng, &format!("{party}-{n}")).await
                    } else {
                        let commit =
                            direct.commit(workload.partition(), rng.usize(1..9), limits::COMMIT_MAX_BYTES).await;
                        commit.map(drop).map_err(Into::into)
                    };
                    // The connection is gone, with Redis.
                    if done.is_err() {
                        break;
                    }
                }
            });
        }
        tokio::time::sleep(run).await;
        redis.kill().await?;
        parties.join_all().await;
        Ok(())
    }

    /// The writes that are in the file, in order, each with the number of its step. All that were
    /// acknowledged are among them.
    ///
    /// # Errors
    /// Where one is not.
    pub fn accepted(&self, aof: &Aof) -> Result<Vec<(usize, Accepted)>> {
        let (sent, stream) = (self.sent.lock().expect("nobody panics with it"), keys::writes(self.partition()));
        let mut accepted = Vec::new();
        for (number, step) in aof.steps.iter().enumerate() {
            for command in step.commands.iter().filter(|command| command.is("XADD") && command.text(1) == stream) {
                let (id, write) = sent.get(&command.words[3..]).context("an entry that nobody sent")?.clone();
                accepted.push((number, Accepted { revision: command.text(2).parse()?, id, write }));
            }
        }
        for revision in &*self.acknowledged.lock().expect("nobody panics with it") {
            let there = accepted.iter().any(|(_, write)| write.revision == *revision);
            ensure!(there, "{revision} was acknowledged, and is not in the file");
        }
        Ok(accepted)
    }
}
