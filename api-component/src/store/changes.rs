//! The feed of changes, as each partition keeps it.

use std::collections::VecDeque;
use std::time::Instant;

use futures::future::try_join_all;
use larder_protocol::{Call, ItemId, Partition, StreamId, call, partition};

use super::list::described;
use super::redis::{Redis, RedisError, Reply};
use super::{Described, ReadError, ask, unexpected};

/// A position in the feed of each partition: everything up to it is read.
pub type Positions = [StreamId; partition::COUNT as usize];

/// What happened to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the item lives.
    pub partition: Partition,
    /// The position behind the change. Its ms tell when it was applied.
    pub at: StreamId,
    /// What was done.
    pub op: Op,
    /// The item's id.
    pub id: String,
    /// The write that did it; none did where the item's time ran out.
    pub revision: Option<StreamId>,
    /// When the item ends that the change made.
    pub expires_at_ms: Option<u64>,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Op {
    /// A write stored the item.
    Put,
    /// A write removed it.
    Delete,
    /// Its time ran out.
    Expire,
}

/// A stretch of the feed of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// How far it goes.
    pub reached: StreamId,
    /// Whether there may be more behind it.
    pub has_more: bool,
    /// In order.
    pub changes: Vec<Change>,
}

/// The changes of a partition after a position, `most` at most, to ids that start with `prefix`
/// (`changes.lua`). `None` where it cannot be said what comes after the position: it lies too far back, or the
/// feed is another.
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn changes(
    redis: &impl Redis,
    partition: Partition,
    after: StreamId,
    prefix: &str,
    most: usize,
) -> Result<Option<Stretch>, RedisError> {
    let call = call::changes(partition, after, prefix, most);
    let reply = ask(redis, &call).await?;
    let [reached, has_more, changes @ ..] = &*reply else { return Ok(None) };
    let stretch = || {
        let changes = changes.chunks(5).map(|fields| change(partition, fields)).collect::<Option<_>>()?;
        Some(Stretch { reached: id(reached)?, has_more: has_more.number()? == 1, changes })
    };
    stretch().map(Some).ok_or_else(|| unexpected(&call, &reply))
}

fn change(partition: Partition, fields: &[Reply]) -> Option<Change> {
    let [at, op, Reply::Bytes(name), revision, expires] = fields else { return None };
    Some(Change {
        partition,
        at: id(at)?,
        op: op.text()?.parse().ok()?,
        id: String::from_utf8_lossy(name).into_owned(),
        revision: id(revision),
        expires_at_ms: expires.text()?.parse().ok(),
    })
}

fn id(reply: &Reply) -> Option<StreamId> {
    reply.text()?.parse().ok()
}

/// The positions of the first and of the last entry in the feed of each partition (`feed.lua`); `None` where
/// one of them has no feed.
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn feed(redis: &impl Redis) -> Result<Option<(Positions, Positions)>, RedisError> {
    let all: Vec<_> = Partition::all().collect();
    let ends = match ask_together(redis, &call::feed(&all)).await? {
        Some(reply) => reply,
        None => {
            let each = try_join_all(all.iter().map(async |p| {
                let ends = ask(redis, &call::feed(&[*p])).await?;
                Ok::<_, RedisError>(if ends.is_empty() { vec![Reply::Nil, Reply::Nil] } else { ends })
            }));
            each.await?.concat()
        }
    };
    if ends.is_empty() || ends.contains(&Reply::Nil) {
        return Ok(None);
    }
    let (mut first, mut last) = ([StreamId::ZERO; _], [StreamId::ZERO; _]);
    let (pairs, rest) = ends.as_chunks::<2>();
    if pairs.len() != all.len() || !rest.is_empty() {
        return Err(unexpected(&call::feed(&all), &ends));
    }
    for (n, [begin, end]) in pairs.iter().enumerate() {
        let both = id(begin).zip(id(end));
        (first[n], last[n]) = both.ok_or_else(|| unexpected(&call::feed(&all), &ends))?;
    }
    Ok(Some((first, last)))
}

/// What is behind a position in the feed of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// A change at least.
    Some,
    /// It cannot be said: the position lies too far back, or the feed is another.
    Gone,
}

/// What is behind these positions (`news.lua`); `None` where no one Redis has all partitions, so that each has to be
/// asked by itself.
///
/// # Errors
/// [`RedisError`], after the second try.
pub async fn news(redis: &impl Redis, positions: &Positions) -> Result<Option<Vec<News>>, RedisError> {
    let positions: Vec<_> = Partition::all().zip(positions.iter().copied()).collect();
    let call = call::news(&positions);
    let Some(reply) = ask_together(redis, &call).await? else { return Ok(None) };
    let news: Option<Vec<_>> = reply
        .iter()
        .map(|reply| match reply {
            Reply::Int(0) => Some(News::None),
            Reply::Int(1) => Some(News::Some),
            Reply::Int(-1) => Some(News::Gone),
            _ => None,
        })
        .collect();
    let news = news.filter(|news| news.len() == positions.len());
    news.map(Some).ok_or_else(|| unexpected(&call, &reply))
}

/// Runs a script that looks at all partitions; `None` on a cluster, where they are on several masters.
async fn ask_together(redis: &impl Redis, call: &Call) -> Result<Option<Vec<Reply>>, RedisError> {
    if redis.lookout().is_spread() {
        return Ok(None);
    }
    let came = Instant::now();
    let turn = redis.lookout().turn(redis).await;
    if let Some(reply) = turn.answered_since(came, &call.arguments) {
        return Ok(Some(reply));
    }
    let started = Instant::now();
    match ask(redis, call).await {
        Ok(reply) => {
            turn.answer(started, call.arguments.clone(), reply.clone());
            Ok(Some(reply))
        }
        Err(error) if redis.lookout().learns_spread(redis, &error).await => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known of items of one partition (`read_heads.lua`).
///
/// # Errors
/// [`ReadError`], after the second try.
pub async fn read_heads(
    redis: &impl Redis,
    partition: Partition,
    ids: &[&ItemId],
) -> Result<Vec<Option<Described>>, ReadError> {
    let call = call::read_heads(partition, ids);
    let mut reply = VecDeque::from(ask(redis, &call).await?);
    ids.iter().map(|_| described(partition, &mut reply)).collect()
}
