//! What happens to a store without us: time passes, and strangers write to our keys.
//!
//! Time is exact: a TTL is an hour, or it is over before the next commit, for which the run
//! waits a millisecond by the clock of Redis. Where the hour of an item shall be over, its end
//! is brought forward, and Redis expires the item itself.

use std::time::Duration;

use larder_protocol::{ItemId, Operation, Partition, StreamId, Write, keys};

use crate::entry::Entry;
use crate::request::OVER;
use crate::run::Run;
use crate::shard::{Held, Record};
use crate::step::Act;
use crate::view;

impl Run<'_> {
    pub(crate) async fn stranger(&mut self, id: &ItemId, act: Act) -> anyhow::Result<()> {
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
                let key = keys::idempotency(id, "", &key.to_string());
                redis.command::<u64>(&["DEL", &key]).await?;
                redis.command::<u64>(&["RPUSH", &key, "x"]).await?;
                shard.records.insert(key, Record::List);
            }
        }
        Ok(())
    }

    pub(crate) async fn lapse(&mut self, id: &ItemId) -> anyhow::Result<()> {
        let Some(Held::Item(item)) = self.model[&Partition::of(id)].items.get(id) else { return Ok(()) };
        if item.head.expires_at_ms.is_none() {
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
    pub(crate) async fn wait_for_ttls(&self, p: Partition) -> anyhow::Result<()> {
        let short = |(id, entry): (&StreamId, &Entry)| match entry {
            Entry::Write {
                write:
                    Write {
                        operation: Operation::Put { ttl: Some(OVER), .. } | Operation::Increment { ttl: Some(OVER), .. },
                        ..
                    },
                ..
            } => Some(id.ms + 1),
            _ => None,
        };
        match self.model[&p].pending.iter().filter_map(short).max() {
            Some(ends) => self.wait_until(ends).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn wait_until(&self, ms: u64) -> anyhow::Result<()> {
        while self.now().await? <= ms {
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        Ok(())
    }

    pub(crate) async fn now(&self) -> anyhow::Result<u64> {
        let (seconds, micros): (u64, u64) = self.redis.command(&["TIME"]).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }
}
