//! Takes the same steps in Redis and in the model, and compares them after each.

use anyhow::{Context as _, ensure};
use larder_protocol::{Call, ItemId, Partition, StreamId, Write, call, keys, limits};
use larder_tests::RedisAlone;
use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult};

use crate::entry::Entry;
use crate::mutant::Mutant;
use crate::shard::{Acceptance, Shard};
use crate::step::{IDS, Request, Step};
use crate::view::{self, Model};

/// One sequence of steps.
pub struct Run<'a> {
    pub(crate) redis: &'a RedisAlone,
    mutant: Option<&'a Mutant>,
    pub(crate) model: Model,
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
                let expire = call::expire(partition(item), limits::DEFAULT_CHANGES_KEPT);
                let is: (usize, usize) = self.run(&expire).await?;
                let shard = self.shard(&IDS[item]);
                shard.open_feed();
                same(is, shard.expire(now))
            }
            Step::LapseRecord { item, key } => {
                let key = keys::idempotency(&IDS[item], "", &key.to_string());
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
        let is = self.accept_reply(id, &write, &digest, request).await;
        let text = |id: Option<StreamId>| id.map_or("-".to_owned(), |id| id.to_string());
        let pending = self.model[&p].pending.len().to_string();
        let should: Vec<String> = match should {
            Acceptance::Accepted => {
                let is = is?;
                ensure!(is.len() == 3 && is[0] == "accepted" && is[2] == pending, "{is:?}, but the model accepts it");
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

    /// What the scripts say: the one for one write, or the one for many, called with one.
    async fn accept_reply(
        &self,
        id: &ItemId,
        write: &Write,
        digest: &str,
        request: &Request,
    ) -> RedisResult<Vec<String>> {
        let max_pending = request.max_pending as u64;
        if !request.among_many {
            return self.run(&call::accept(id, write, digest, max_pending, true)).await;
        }
        let call = call::accept_many(Partition::of(id), [(id, write, digest)], max_pending, true);
        let mut reply = self.run::<Vec<String>>(&call).await?;
        if reply[0] == "failed" {
            return Err(RedisError::from((ErrorKind::Extension, "caught", reply.swap_remove(1))));
        }
        let values = match reply[0].as_str() {
            "accepted" | "repeated" => 3,
            "reused" => 1,
            _ => 2,
        };
        assert!(reply.len() == 3 && reply[values..].iter().all(String::is_empty), "{reply:?}");
        reply.truncate(values);
        Ok(reply)
    }

    /// The entry is on the channel, behind all others.
    pub(crate) fn queue(&mut self, p: Partition, id: &str, entry: Entry, digest: &str) -> anyhow::Result<()> {
        let (id, shard) = (id.parse()?, self.model.entry(p).or_default());
        ensure!(Some(id) > shard.last, "{id} does not rise");
        shard.queue(id, entry, digest);
        Ok(())
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call) -> RedisResult<T> {
        let source = self.mutant.and_then(|mutant| mutant.source(call.script));
        self.redis.run_source(source.unwrap_or(call.script.source()), call).await
    }

    pub(crate) fn shard(&mut self, id: &ItemId) -> &mut Shard {
        self.model.entry(Partition::of(id)).or_default()
    }
}

fn partition(item: usize) -> Partition {
    Partition::of(&IDS[item])
}

/// Compares a reply.
pub fn same<T: PartialEq + std::fmt::Debug>(is: T, should: T) -> anyhow::Result<()> {
    ensure!(is == should, "the reply is {is:?}, the model's {should:?}");
    Ok(())
}

/// A key that the script must read holds something else.
pub fn wrong_type<T: std::fmt::Debug>(reply: RedisResult<T>) -> anyhow::Result<()> {
    match reply {
        Err(error) if error.to_string().contains("WRONGTYPE") => Ok(()),
        reply => anyhow::bail!("the reply is {reply:?}, the model's an error for the wrong type"),
    }
}
