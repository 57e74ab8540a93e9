//! Looks for changes on behalf of all who follow them in an instance.
//!
//! No task of an instance can wake another, and a command cannot block on all partitions of a cluster. So
//! whoever waits looks now and then, and the looks are shared: whoever finds the last one too old looks for
//! all. A look is one `XREAD` as long as nothing happens, on a cluster one for each partition; then what is new
//! is read, once for all, and remembered for a while. So what Redis has to do depends on how many instances
//! look, and neither on how many follow nor on how much is written.
//!
//! A partition whose Redis does not answer, or not soon, has nothing new, as far as anybody can tell; it holds up
//! nobody else's. Whoever must know asks Redis.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::future::{join_all, select};
use larder_protocol::limits::{CHANGES_LOOK_INTERVAL, CHANGES_MAX_LOOK, MAX_REMEMBERED_CHANGES};
use larder_protocol::{Partition, StreamId, keys, partition};

use super::node::Command;
use super::redis::{Redis, RedisError, Reply};
use super::{Change, Positions, Stretch, changes};

/// What is known of the feed, as far as somebody follows it here.
pub struct Lookout {
    partitions: RefCell<[Option<Memory>; partition::COUNT as usize]>,
    looked: Cell<Option<Instant>>,
    is_looking: Cell<bool>,
    is_asking: Cell<bool>,
    answered: RefCell<Option<Answered>>,
    /// One command cannot read all partitions: this is a cluster.
    is_spread: Cell<bool>,
}

/// The last changes of a partition: all of them after `from`, up to `newest`.
struct Memory {
    from: StreamId,
    newest: StreamId,
    changes: VecDeque<Change>,
}

impl Default for Lookout {
    fn default() -> Self {
        Self {
            partitions: RefCell::new([const { None }; _]),
            looked: Cell::default(),
            is_looking: Cell::default(),
            is_asking: Cell::default(),
            answered: RefCell::default(),
            is_spread: Cell::default(),
        }
    }
}

/// How often a request sees whether it is its turn.
const TURN_INTERVAL: Duration = Duration::from_millis(1);

/// Ends a look, however it ends.
struct Looking<'a>(&'a Cell<bool>);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A request's turn to ask all partitions at once, which ends when this is dropped.
pub struct Turn<'a>(&'a Lookout);

/// The last answer that a turn brought: when it was asked for, with what arguments, and what it was.
type Answered = (Instant, Vec<Vec<u8>>, Vec<Reply>);

impl Turn<'_> {
    /// The answer to the same question, where it was asked since then.
    pub fn answered_since(&self, came: Instant, arguments: &[Vec<u8>]) -> Option<Vec<Reply>> {
        let answered = self.0.answered.borrow();
        let (_, _, reply) = answered.as_ref().filter(|(at, asked, _)| *at >= came && asked == arguments)?;
        Some(reply.clone())
    }

    /// Lets those who wait for their turn have the answer too.
    pub fn answer(&self, asked_at: Instant, arguments: Vec<Vec<u8>>, reply: Vec<Reply>) {
        *self.0.answered.borrow_mut() = Some((asked_at, arguments, reply));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.is_asking.set(false);
    }
}

impl Lookout {
    /// Looks out from these positions too, which were found good a moment ago.
    pub fn watch_from(&self, positions: &Positions) {
        let mut partitions = self.partitions.borrow_mut();
        for (memory, &position) in partitions.iter_mut().zip(positions) {
            if memory.as_ref().is_none_or(|memory| memory.newest < position) {
                *memory = Some(Memory { from: position, newest: position, changes: VecDeque::new() });
            }
        }
    }

    /// Whether there is something behind a position, or may be.
    pub fn has_news(&self, p: Partition, position: StreamId) -> bool {
        self.partitions.borrow()[p.index()].as_ref().is_none_or(|memory| memory.newest > position)
    }

    /// What [`changes`] would answer, where it is remembered.
    pub fn recall(&self, p: Partition, after: StreamId, prefix: &str, most: usize) -> Option<Stretch> {
        let partitions = self.partitions.borrow();
        let memory = partitions[p.index()].as_ref().filter(|memory| (memory.from..=memory.newest).contains(&after))?;
        let news = memory.changes.iter().filter(|change| change.at > after && change.id.starts_with(prefix));
        let mut changes: Vec<_> = news.take(most + 1).cloned().collect();
        let has_more = changes.len() > most;
        changes.truncate(most);
        let reached = changes.last().filter(|_| has_more).map_or(memory.newest, |last| last.at);
        Some(Stretch { reached, has_more, changes })
    }

    /// Looks, unless somebody is about it or has just done so.
    pub async fn look(&self, redis: &impl Redis) {
        let now = Instant::now();
        // A little less: who slept for the interval shall not come too early.
        let is_fresh = |looked| now.saturating_duration_since(looked) < CHANGES_LOOK_INTERVAL * 9 / 10;
        if self.is_looking.get() || self.looked.get().is_some_and(is_fresh) {
            return;
        }
        self.is_looking.set(true);
        let _looking = Looking(&self.is_looking);
        self.looked.set(Some(now));
        // What has not answered by then is asked again with the next look; nothing here changes anything.
        select(pin!(self.look_at_all(redis)), pin!(redis.sleep(CHANGES_MAX_LOOK))).await;
    }

    async fn look_at_all(&self, redis: &impl Redis) {
        let watched: Vec<_> = Partition::all()
            .zip(&*self.partitions.borrow())
            .filter_map(|(p, memory)| Some((p, memory.as_ref()?.newest)))
            .collect();
        if !self.is_spread.get() {
            match stirred(redis, &watched).await {
                Ok(found) => _ = join_all(found.into_iter().map(|(p, from)| self.learn(redis, p, from))).await,
                Err(error) => _ = self.learns_spread(redis, &error).await,
            }
        }
        if self.is_spread.get() {
            let each = watched.iter().map(async |one| {
                if stirred(redis, std::slice::from_ref(one)).await.is_ok_and(|found| !found.is_empty()) {
                    self.learn(redis, one.0, one.1).await;
                }
            });
            join_all(each).await;
        }
    }

    /// Waits until no other request of this instance asks all partitions at once. Thousands of followers who come back
    /// would fill the queue of Redis, and readers stand behind them; so one asks for all who wait.
    pub async fn turn(&self, redis: &impl Redis) -> Turn<'_> {
        while self.is_asking.replace(true) {
            redis.sleep(TURN_INTERVAL).await;
        }
        Turn(self)
    }

    /// Whether one command cannot read all partitions, as far as is known: this is a cluster.
    pub fn is_spread(&self) -> bool {
        self.is_spread.get()
    }

    /// The same, after this error of a command that was to read all.
    pub async fn learns_spread(&self, redis: &impl Redis, error: &RedisError) -> bool {
        let is_spread = match error {
            RedisError::Refused { code, .. } => code == "CROSSSLOT",
            // The first master may be down, and the others not.
            _ => redis.masters().await.len() > 1,
        };
        self.is_spread.set(is_spread);
        is_spread
    }

    /// Reads and remembers what is behind the newest change that is known.
    async fn learn(&self, redis: &impl Redis, p: Partition, from: StreamId) {
        let Ok(stretch) = changes(redis, p, from, "", MAX_REMEMBERED_CHANGES).await else { return };
        let memory = &mut self.partitions.borrow_mut()[p.index()];
        match (stretch, memory.as_mut()) {
            (Some(stretch), Some(memory)) if memory.newest == from => memory.extend(stretch),
            // Somebody came further meanwhile.
            (Some(_), _) => {}
            // Whoever is there has to find out what is left.
            (None, _) => *memory = None,
        }
    }
}

impl Memory {
    fn extend(&mut self, stretch: Stretch) {
        self.newest = stretch.reached;
        self.changes.extend(stretch.changes);
        while self.changes.len() > MAX_REMEMBERED_CHANGES {
            self.from = self.changes.pop_front().map_or(self.from, |oldest| oldest.at);
        }
    }
}

/// Which of these partitions have an entry behind the position (`XREAD`).
async fn stirred(
    redis: &impl Redis,
    watched: &[(Partition, StreamId)],
) -> Result<Vec<(Partition, StreamId)>, RedisError> {
    let keys: Vec<_> = watched.iter().map(|(p, _)| keys::changes(*p)).collect();
    let ids: Vec<_> = watched.iter().map(|(_, id)| id.to_string()).collect();
    let words = ["COUNT", "1", "STREAMS"].into_iter().map(str::as_bytes);
    let arguments: Vec<_> = words.chain(keys.iter().chain(&ids).map(|text| text.as_bytes())).collect();
    let Some(&(p, _)) = watched.first() else { return Ok(vec![]) };
    let reply = redis.execute(p, Command { name: "XREAD", arguments: &arguments }).await?;
    // Of the nested reply the host leaves a list: a key, the ID of its entry, and the entry's fields. What a
    // client calls an item is never followed by an ID.
    let is_new = |key: &str| reply.windows(2).any(|pair| pair[0].text() == Some(key) && is_id(&pair[1]));
    Ok(watched.iter().zip(&keys).filter(|(_, key)| is_new(key)).map(|(one, _)| *one).collect())
}

fn is_id(reply: &Reply) -> bool {
    reply.text().is_some_and(|text| text.parse::<StreamId>().is_ok())
}
