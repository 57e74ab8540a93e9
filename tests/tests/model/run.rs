//! Takes the same steps in Redis and in the model, and compares them after each.
//!
//! Time is exact: a TTL is an hour, or it is over before the next commit, for which the run
//! waits a millisecond by the clock of Redis. Where the hour of an item shall be over, its end
//! is brought forward as the passing of time would.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use larder_protocol::{
    Call, Condition, Content, ItemId, Operation, Outcome, Partition, Revision, Revisions, StreamId, Write, call, keys,
    limits,
};
use larder_tests::RedisAlone;
use redis::{FromRedisValue, RedisResult};

use crate::entry::Entry;
use crate::mutant::Mutant;
use crate::shard::{Acceptance, Held, Progress, Record, Shard};
use crate::step::{Act, Broken, Change, IDS, Never, Pick, Request, States, Step, Ttl};
use crate::view::{self, Model};

const LONG: Duration = Duration::from_secs(60 * 60);
const OVER: Duration = Duration::from_millis(1);

/// One sequence of steps.
pub struct Run<'a> {
    redis: &'a RedisAlone,
    mutant: Option<&'a Mutant>,
    model: Model,
}

impl<'a> Run<'a> {
    /// Runs a sequence on an empty Redis.
    pub async fn all(redis: &'a RedisAlone, mutant: Option<&'a Mutant>, steps: &[Step]) -> anyhow::Result<()> {
        redis.command::<()>(&["FLUSHALL"]).await?;
        let model = Partition::all().map(|p| (p, Shard::default())).collect();
        let mut run = Self { redis, mutant, model };
        for (n, step) in steps.iter().enumerate() {
            run.step(step).await.with_context(|| format!("step {n}, {step:?}"))?;
            let (is, should) = (view::observed(redis, &run.model).await?, view::expected(&run.model));
            ensure!(is == should, "after step {n}, {step:?}\nRedis has {is:#?}\nthe model has {should:#?}");
        }
        run.ask_about_all().await
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        match *step {
            Step::Accept(ref request) => self.accept(request).await,
            Step::Commit { item, max_entries, max_bytes, broken } => {
                self.commit(partition(item), max_entries, max_bytes, broken).await
            }
            Step::Lapse { item } => self.lapse(&IDS[item]).await,
            Step::Expire { item } => {
                let now = self.now().await?;
                let is: (usize, usize) = self.run(&call::expire(partition(item))).await?;
                same(is, self.shard(&IDS[item]).expire(now))
            }
            Step::LapseRecord { item, key } => {
                let key = keys::idempotency(&IDS[item], &key.to_string());
                self.redis.command::<u64>(&["DEL", &key]).await?;
                self.shard(&IDS[item]).records.remove(&key);
                Ok(())
            }
            Step::Retry { item, nth } => self.retry(partition(item), nth).await,
            Step::Ask { item, pick } => {
                let revision = self.pick(&IDS[item], pick);
                self.ask(&IDS[item], revision).await
            }
            Step::Malformed { item, kind } => {
                let entry = Entry::malformed(kind, &IDS[item]);
                let (fields, stream) = (entry.fields(), keys::writes(partition(item)));
                let words = ["XADD", &stream, "*"].into_iter().chain(fields.iter().map(String::as_str));
                let id: String = self.redis.command(&words.collect::<Vec<_>>()).await?;
                self.queue(partition(item), &id, entry, "")
            }
            Step::Stranger { item, act } => self.stranger(&IDS[item], act).await,
        }
    }

    async fn accept(&mut self, request: &Request) -> anyhow::Result<()> {
        let id = &IDS[request.item];
        let p = Partition::of(id);
        let (write, digest) = (self.write(id, request), request.key.map_or(String::new(), |(_, d)| format!("d{d}")));
        let should = self.model[&p].accept(id, &write, &digest, request.max_pending);
        let call = call::accept(id, &write, &digest, request.max_pending as u64);
        let is = self.run::<Vec<String>>(&call).await;
        let text = |id: Option<StreamId>| id.map_or("-".to_owned(), |id| id.to_string());
        let should: Vec<String> = match should {
            Acceptance::Accepted => {
                let is = is?;
                ensure!(is.len() == 2 && is[0] == "accepted", "{is:?}, but the model accepts it");
                return self.queue(p, &is[1], Entry::Write { id: id.clone(), write }, &digest);
            }
            Acceptance::WrongType => return wrong_type(is),
            Acceptance::Full(pending) => vec!["full".to_owned(), pending.to_string()],
            Acceptance::Rejected(current) => vec!["rejected".to_owned(), text(current)],
            Acceptance::Repeated(revision, outcome) => {
                let outcome = outcome.map(|outcome| outcome.to_string()).unwrap_or_default();
                vec!["repeated".to_owned(), revision.to_string(), outcome]
            }
            Acceptance::Reused => vec!["reused".to_owned()],
        };
        same(is?, should)
    }

    fn write(&self, id: &ItemId, request: &Request) -> Write {
        let operation = match request.change {
            Change::Put { bytes, ttl } => {
                let value = "\n".repeat(bytes).into_bytes();
                let ttl = match ttl {
                    Ttl::None => None,
                    Ttl::Long => Some(LONG),
                    Ttl::Over => Some(OVER),
                };
                Operation::Put { content: Content::new(Some("text/plain"), value).expect("a media type"), ttl }
            }
            Change::Delete => Operation::Delete,
            Change::Barrier => Operation::Barrier,
        };
        let revisions = |states: &Option<States>| {
            states.as_ref().map(|states| match states {
                States::Any => Revisions::Any,
                States::These(picks) => Revisions::These(picks.iter().map(|&pick| self.pick(id, pick)).collect()),
            })
        };
        Write {
            operation,
            condition: Condition {
                if_match: revisions(&request.if_match),
                if_none_match: revisions(&request.if_none_match),
            },
            wait: request.wait,
            idempotency: request.key.map(|(key, _)| keys::idempotency(id, &key.to_string())),
        }
    }

    /// The entry is on the channel, behind all others.
    fn queue(&mut self, p: Partition, id: &str, entry: Entry, digest: &str) -> anyhow::Result<()> {
        let (id, shard) = (id.parse()?, self.model.entry(p).or_default());
        ensure!(Some(id) > shard.last, "{id} does not rise");
        shard.queue(id, entry, digest);
        Ok(())
    }

    async fn commit(
        &mut self,
        p: Partition,
        max_entries: usize,
        max_bytes: usize,
        broken: Option<Broken>,
    ) -> anyhow::Result<()> {
        self.wait_for_ttls(p).await?;
        let now = self.now().await?;
        let key = broken.map(|broken| match broken {
            Broken::Index => keys::index(p),
            Broken::Expiry => keys::expiry(p),
        });
        if let Some(key) = &key {
            let _: Result<String, _> = self.redis.command(&["RENAME", key, "aside"]).await;
            self.redis.command::<String>(&["SET", key, "wrong"]).await?;
        }
        let is: (usize, usize, usize, usize, String) = self.run(&call::commit(p, max_entries, max_bytes)).await?;
        if let Some(key) = &key {
            self.redis.command::<u64>(&["DEL", key]).await?;
            let _: Result<String, _> = self.redis.command(&["RENAME", "aside", key]).await;
        }

        let shard = self.model.entry(p).or_default();
        let (mut applied, mut rejected, mut dead, mut bytes, mut failed) = (0, 0, 0, 0, false);
        // Each call takes at least one entry, and ends with the one that reaches a bound.
        while applied + rejected + dead < max_entries && bytes < max_bytes {
            let Some((_, head)) = shard.pending.first_key_value() else { break };
            if let (Entry::Write { id, write }, true) = (head, broken.is_some()) {
                // It needs the broken key, so it stays at the head as if it had not been tried.
                if shard.judge(id, write).is_none() {
                    failed = true;
                    shard.doubtful.insert(id.clone());
                    break;
                }
            }
            bytes += head.size();
            match shard.settle_head(now).context("there is a head")? {
                Outcome::Rejected { .. } => rejected += 1,
                Outcome::Dead(_) => dead += 1,
                _ => applied += 1,
            }
        }
        let error = if failed && is.4.contains("WRONGTYPE") { is.4.clone() } else { String::new() };
        same(is, (applied, rejected, dead, shard.pending.len(), error.clone()))?;
        ensure!(failed != error.is_empty(), "the error of the broken key is not told");
        Ok(())
    }

    async fn retry(&mut self, p: Partition, nth: usize) -> anyhow::Result<()> {
        let entries: Vec<(String, Vec<String>)> = self.redis.command(&["XRANGE", &keys::dead(p), "-", "+"]).await?;
        let entry = entries.get(nth).map_or("5-0", |(id, _)| id).parse()?;
        let is: Vec<String> = self.run(&call::retry(p, entry)).await?;
        let shard = self.model.entry(p).or_default();
        if nth >= shard.dead.len() {
            return same(is, vec![]);
        }
        let entry = shard.dead.remove(nth).entry.again();
        ensure!(is.len() == 1, "{is:?}");
        self.queue(p, &is[0], entry, "")
    }

    async fn stranger(&mut self, id: &ItemId, act: Act) -> anyhow::Result<()> {
        let (key, redis) = (keys::item(id), self.redis);
        let shard = self.shard(id);
        match act {
            Act::Text | Act::List | Act::Remove => {
                redis.command::<u64>(&["DEL", &key]).await?;
                shard.items.remove(id);
                if matches!(act, Act::Text) {
                    redis.command::<String>(&["SET", &key, view::TEXT]).await?;
                    shard.items.insert(id.clone(), Held::Text);
                } else if matches!(act, Act::List) {
                    redis.command::<u64>(&["RPUSH", &key, "x"]).await?;
                    shard.items.insert(id.clone(), Held::List);
                }
            }
            Act::Overdue => {
                redis.command::<u64>(&["ZADD", &keys::expiry(Partition::of(id)), "XX", "1", id.as_str()]).await?;
                shard.expiry.entry(id.clone()).and_modify(|ends| *ends = 1);
            }
            Act::RecordList(key) => {
                let key = keys::idempotency(id, &key.to_string());
                redis.command::<u64>(&["DEL", &key]).await?;
                redis.command::<u64>(&["RPUSH", &key, "x"]).await?;
                shard.records.insert(key, Record::List);
            }
        }
        Ok(())
    }

    async fn lapse(&mut self, id: &ItemId) -> anyhow::Result<()> {
        let Some(Held::Item(item)) = self.model[&Partition::of(id)].items.get(id) else { return Ok(()) };
        if item.expires_at_ms.is_none() {
            return Ok(());
        }
        let ends = self.now().await? + 2;
        let (expiry, text) = (keys::expiry(Partition::of(id)), ends.to_string());
        self.redis.command::<u64>(&["PEXPIREAT", &keys::item(id), &text]).await?;
        self.redis.command::<u64>(&["ZADD", &expiry, "XX", &text, id.as_str()]).await?;
        let shard = self.shard(id);
        shard.items.remove(id);
        shard.expiry.entry(id.clone()).and_modify(|score| *score = ends);
        self.wait_until(ends).await
    }

    /// Writes with a short time to live never see their commit.
    async fn wait_for_ttls(&self, p: Partition) -> anyhow::Result<()> {
        let short = |(id, entry): (&StreamId, &Entry)| match entry {
            Entry::Write { write: Write { operation: Operation::Put { ttl: Some(OVER), .. }, .. }, .. } => {
                Some(id.ms + 1)
            }
            _ => None,
        };
        match self.model[&p].pending.iter().filter_map(short).max() {
            Some(ends) => self.wait_until(ends).await,
            None => Ok(()),
        }
    }

    async fn wait_until(&self, ms: u64) -> anyhow::Result<()> {
        while self.now().await? <= ms {
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        Ok(())
    }

    async fn now(&self) -> anyhow::Result<u64> {
        let (seconds, micros): (u64, u64) = self.redis.command(&["TIME"]).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }

    fn pick(&self, id: &ItemId, pick: Pick) -> StreamId {
        let shard = &self.model[&Partition::of(id)];
        let last = shard.last.unwrap_or(StreamId { ms: 7, seq: 0 });
        match pick {
            Pick::Current => shard.revision(id).unwrap_or(last),
            Pick::Seen(n) => shard.given.iter().rev().nth(n).copied().unwrap_or(last),
            Pick::Never(Never::Ancient) => StreamId { ms: 5, seq: 0 },
            Pick::Never(Never::Next) => StreamId { seq: last.seq + 1, ..last },
            Pick::Never(Never::Longer) => StreamId { ms: last.ms * 10, ..last },
            Pick::Never(Never::Last) => StreamId { ms: u64::MAX, seq: u64::MAX },
        }
    }

    async fn ask_about_all(&self) -> anyhow::Result<()> {
        for id in IDS.iter() {
            for &revision in &self.model[&Partition::of(id)].given {
                self.ask(id, revision).await?;
            }
        }
        Ok(())
    }

    /// What the scripts answer about a write, and as the state after it.
    async fn ask(&self, id: &ItemId, asked: StreamId) -> anyhow::Result<()> {
        let p = Partition::of(id);
        let shard = &self.model[&p];
        let too_old = self.now().await? - u64::try_from(limits::OUTCOME_KEPT.as_millis())?;
        let progress = shard.progress(asked, too_old);
        let strange = matches!(shard.items.get(id), Some(Held::List));

        let is = self.run::<Vec<String>>(&call::outcome(Revision { partition: p, id: asked }, Some(id))).await;
        if strange {
            wrong_type(is)?;
        } else {
            let (state, outcome) = match &progress {
                Progress::Pending => ("pending", String::new()),
                Progress::NotApplied(outcome) => ("rejected", outcome.to_string()),
                Progress::Unknown => ("unknown", String::new()),
                Progress::Gone => ("gone", String::new()),
                Progress::Applied => ("applied", String::new()),
            };
            let current = shard.revision(id).map_or("-".to_owned(), |id| id.to_string());
            same(is?, vec![state.to_owned(), outcome, current])?;
        }

        let is = self.run::<Vec<Option<String>>>(&call::read_after(id, asked)).await;
        let is_current = is.as_ref().is_ok_and(|reply| reply[0].as_deref() == Some("current"));
        if Some(asked) > shard.last {
            same(is?, vec![Some("ahead".to_owned())])
        } else if shard.pending.keys().next().is_some_and(|head| *head <= asked) {
            same(is?, vec![Some("pending".to_owned())])
        } else if strange {
            wrong_type(is)
        } else {
            ensure!(is_current, "{is:?}, but the item is to be had");
            same(is?[1].is_some(), shard.items.contains_key(id))
        }
    }

    async fn run<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        let source = self.mutant.and_then(|mutant| mutant.source(call.script));
        let Some(source) = source else { return self.redis.run(call).await };
        let mut command = redis::cmd("EVAL");
        command.arg(source).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
        command.query_async(&mut self.redis.connection.clone()).await
    }

    fn shard(&mut self, id: &ItemId) -> &mut Shard {
        self.model.entry(Partition::of(id)).or_default()
    }
}

fn partition(item: usize) -> Partition {
    Partition::of(&IDS[item])
}

fn same<T: PartialEq + std::fmt::Debug>(is: T, should: T) -> anyhow::Result<()> {
    ensure!(is == should, "the reply is {is:?}, the model's {should:?}");
    Ok(())
}

fn wrong_type<T: std::fmt::Debug>(reply: RedisResult<T>) -> anyhow::Result<()> {
    match reply {
        Err(error) if error.to_string().contains("WRONGTYPE") => Ok(()),
        reply => anyhow::bail!("the reply is {reply:?}, the model's an error for the wrong type"),
    }
}
