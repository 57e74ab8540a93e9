//! Reads on in the feeds of all partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::future::try_join_all;
use larder_protocol::limits::{CHANGES_LOOK_INTERVAL, MAX_BULK_BYTES};
use larder_protocol::partition::COUNT;
use larder_protocol::{Item, ItemId, Partition, StreamId};

use super::error::FeedError;
use crate::many::share;
use crate::store::redis::Redis;
use crate::store::{self, Change, Described, ManyRead, News, Op, Positions, Stretch};
use crate::web::problem::Problem;

/// What to tell with a change that stored an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    Nothing,
    /// What is known of the item now.
    Meta,
    /// The item as it is now.
    Value,
}

/// A change, and what goes with it.
pub struct Told {
    pub change: Change,
    pub current: Option<Current>,
}

/// An item as it is now, `None` where there is none.
#[derive(Clone)]
pub enum Current {
    Meta(Option<Described>),
    Value(Option<Item>),
}

/// Somebody's place in the feed.
#[derive(Clone)]
pub struct Reader {
    pub prefix: String,
    pub include: Include,
    /// Most changes at once.
    pub limit: usize,
    /// Everything up to here was read before the last time.
    pub began: Positions,
    /// Everything up to here is read.
    pub positions: Positions,
}

/// Whom to ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Redis, which also knows whether a position is still good.
    Redis,
    /// What the instance has seen, as far as it goes.
    Lookout,
}

/// The items of one partition that were read for a page, and those for which there was no room.
type Found = (BTreeMap<String, Current>, BTreeSet<String>);

impl Reader {
    /// Reads what is there, up to the limit. Nothing means that there is nothing.
    pub async fn read(&mut self, redis: &impl Redis) -> Result<Vec<Told>, Problem> {
        self.read_from(redis, Source::Redis).await
    }

    /// Waits for a change until `deadline`; nothing means that there was none. Then the positions are still
    /// good: Redis was asked in the end.
    ///
    /// While a part of the store cannot be reached, what the others have is told, and that part is waited for.
    pub async fn wait(&mut self, redis: &impl Redis, deadline: Instant) -> Result<Vec<Told>, Problem> {
        loop {
            redis.lookout().watch_from(&self.positions);
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.read_from(redis, Source::Redis).await;
            }
            redis.sleep(left.min(CHANGES_LOOK_INTERVAL)).await;
            redis.lookout().look(redis).await;
            match self.read_from(redis, Source::Lookout).await {
                Ok(told) if told.is_empty() => {}
                Err(problem) if problem.is_temporary() => {}
                end => return end,
            }
        }
    }

    async fn read_from(&mut self, redis: &impl Redis, source: Source) -> Result<Vec<Told>, Problem> {
        loop {
            let (told, has_more) = self.round(redis, source).await?;
            if !told.is_empty() || !has_more {
                return Ok(told);
            }
        }
    }

    /// One stretch of each partition. What was not told is there for the next round.
    async fn round(&mut self, redis: &impl Redis, source: Source) -> Result<(Vec<Told>, bool), Problem> {
        let news = match source {
            Source::Redis => store::news(redis, &self.positions).await.map_err(store::read_failed)?,
            Source::Lookout => None,
        };
        if news.as_ref().is_some_and(|news| news.contains(&News::Gone)) {
            return Err(self.gone().into());
        }
        let has_news = |p: Partition| match (source, &news) {
            (Source::Redis, Some(news)) => news[p.index()] == News::Some,
            (Source::Redis, None) => true,
            (Source::Lookout, _) => redis.lookout().has_news(p, self.positions[p.index()]),
        };
        let stretches = Partition::all()
            .filter(|&p| has_news(p))
            .map(async |p| Ok::<_, Problem>((p, self.stretch(redis, p, source).await?)));
        let (mut reached, mut has_more, mut changes) = (self.positions, false, Vec::new());
        for (p, stretch) in try_join_all(stretches).await? {
            // Where it was the oldest change that was asked for, this is where it began.
            if self.positions[p.index()] == StreamId::ZERO {
                let first = stretch.changes.first().and_then(|change| change.at.previous());
                self.positions[p.index()] = first.unwrap_or(stretch.reached);
            }
            reached[p.index()] = stretch.reached;
            has_more |= stretch.has_more;
            changes.extend(stretch.changes);
        }
        // In the order of time, nearly: each partition has it from the clock of its Redis.
        changes.sort_unstable_by_key(|change| (change.at, change.partition));
        let behind = changes.split_off(changes.len().min(self.limit));
        let mut left = [false; COUNT as usize];
        behind.iter().for_each(|change| left[change.partition.index()] = true);
        let mut found = self.find(redis, &changes).await?;

        let mut told = Vec::new();
        let mut last = self.positions;
        let mut blocked = [false; COUNT as usize];
        for change in changes {
            let p = change.partition;
            let (items, no_room) = found.entry(p).or_default();
            if blocked[p.index()] || (change.op == Op::Put && no_room.contains(&change.id)) {
                blocked[p.index()] = true;
                continue;
            }
            last[p.index()] = change.at;
            let current = if change.op == Op::Put { items.get(&change.id).cloned() } else { None };
            told.push(Told { change, current });
        }
        for n in Partition::all().map(Partition::index).filter(|&n| left[n] || blocked[n]) {
            reached[n] = last[n];
            has_more = true;
        }
        self.began = std::mem::replace(&mut self.positions, reached);
        Ok((told, has_more))
    }

    /// Why a position is not good: who asks for the oldest changes has none that could be.
    fn gone(&self) -> FeedError {
        if self.positions.contains(&StreamId::ZERO) { FeedError::NoFeed } else { FeedError::Gone }
    }

    async fn stretch(&self, redis: &impl Redis, p: Partition, source: Source) -> Result<Stretch, Problem> {
        let (after, most) = (self.positions[p.index()], share(self.limit));
        let known = match source {
            Source::Redis => None,
            Source::Lookout => redis.lookout().recall(p, after, &self.prefix, most),
        };
        match known {
            Some(stretch) => Ok(stretch),
            None => match store::changes(redis, p, after, &self.prefix, most).await {
                Ok(read) => Ok(read.ok_or_else(|| self.gone())?),
                Err(error) => match store::read_failed(error) {
                    // It is waited for; the others are not held up.
                    problem if source == Source::Lookout && problem.is_temporary() => {
                        Ok(Stretch { reached: after, has_more: false, changes: vec![] })
                    }
                    problem => Err(problem),
                },
            },
        }
    }

    /// Reads what goes with the changes, in about as many bytes as a bulk answer may have.
    async fn find(&self, redis: &impl Redis, changes: &[Change]) -> Result<BTreeMap<Partition, Found>, Problem> {
        let mut ids = BTreeMap::<_, BTreeMap<_, _>>::new();
        if self.include != Include::Nothing {
            for change in changes.iter().filter(|change| change.op == Op::Put) {
                // What a stranger called an item cannot be read, by nobody.
                let Ok(id) = ItemId::new(change.id.as_str()) else { continue };
                ids.entry(change.partition).or_default().insert(change.at, id);
            }
        }
        let room = MAX_BULK_BYTES / ids.len().max(1);
        let found = ids.into_iter().map(async |(p, ids)| {
            // Each once, in the order of the changes, so that there is room for the first.
            let mut seen = BTreeSet::new();
            let ids: Vec<_> = ids.values().filter(|id| seen.insert(id.as_str())).collect();
            Ok::<_, Problem>((p, self.find_in(redis, p, &ids, room).await?))
        });
        // Collected, it would be sorted first, which takes more code.
        let mut all = BTreeMap::new();
        all.extend(try_join_all(found).await?);
        Ok(all)
    }

    async fn find_in(&self, redis: &impl Redis, p: Partition, ids: &[&ItemId], room: usize) -> Result<Found, Problem> {
        let (mut items, mut no_room) = Found::default();
        let names = ids.iter().map(ToString::to_string);
        if self.include == Include::Meta {
            let heads = store::read_heads(redis, p, ids).await?;
            items.extend(names.zip(heads.into_iter().map(Current::Meta)));
            return Ok((items, no_room));
        }
        let read = store::read_many(redis, p, ids, room).await.map_err(store::read_failed)?;
        for (name, found) in names.zip(read) {
            match found {
                // What a stranger put there is no item.
                ManyRead::Found(found) => _ = items.insert(name, Current::Value(found.ok().flatten())),
                ManyRead::NoRoom => _ = no_room.insert(name),
            }
        }
        Ok((items, no_room))
    }
}
