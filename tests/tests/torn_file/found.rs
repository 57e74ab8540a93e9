//! What a Redis that came back holds of a partition; the first check is that it agrees with
//! itself.

use anyhow::{Context, Result, ensure};
use larder_protocol::{Head, Item, Partition, StreamId, keys};
use larder_tests::RedisAlone;

use crate::model::{State, Stored};

/// What it holds.
pub struct Found {
    /// The channel.
    pub pending: Vec<StreamId>,
    /// The rest.
    pub state: State,
}

/// An entry of a stream.
type Entry = (String, Vec<Vec<u8>>);

/// Reads all keys of the partition.
///
/// # Errors
/// Where an item, the index and the set of expiries do not agree, or there is a key that nobody
/// knows.
pub async fn found(redis: &RedisAlone, p: Partition) -> Result<Found> {
    let mut state = State::default();
    let (mut pending, mut index, mut expiry) = (vec![], vec![], vec![]);
    let names: Vec<String> = redis.command(&["KEYS", &format!("larder:{{{}}}:*", p.tag())]).await?;
    for key in &names {
        let entries = async || redis.command::<Vec<Entry>>(&["XRANGE", key, "-", "+"]).await;
        if *key == keys::writes(p) {
            pending = ids(entries().await?)?;
        } else if *key == keys::index(p) {
            index = redis.command::<Vec<String>>(&["ZRANGE", key, "0", "-1"]).await?;
        } else if *key == keys::changes(p) {
            // What the feed tells is held against the items in following.rs.
        } else if *key == keys::expiry(p) {
            expiry = redis.command::<Vec<(String, u64)>>(&["ZRANGE", key, "0", "-1", "WITHSCORES"]).await?;
        } else if let Some(id) = key.strip_prefix(&keys::item_prefix(p)) {
            state.items.insert(id.to_owned(), item(redis, key).await?);
        } else if *key == keys::rejected(p) {
            for (revision, fields) in entries().await? {
                let [_, outcome, _, id] = <[Vec<u8>; 4]>::try_from(fields).ok().context("it has two fields")?;
                let (outcome, id) = (String::from_utf8(outcome)?, String::from_utf8(id)?);
                state.rejected.insert(revision.parse()?, format!("{outcome}\n{id}"));
            }
        } else if let Some(id) = key.strip_prefix(&keys::outcome_prefix(p)) {
            state.told.insert(id.parse()?, redis.command(&["LRANGE", key, "0", "-1"]).await?);
        } else {
            ensure!(key.contains(":idem:"), "what is {key}?");
            state.remembered.insert(key.clone(), redis.command(&["GET", key]).await?);
        }
    }

    ensure!(index.iter().eq(state.items.keys()), "the index has {index:?}, the items are {:?}", state.items.keys());
    expiry.sort();
    let ends = state.items.iter().filter_map(|(id, item)| Some((id.clone(), item.expires_at_ms?)));
    ensure!(ends.eq(expiry.iter().cloned()), "the expiries are {expiry:?}, the items {:?}", state.items);
    Ok(Found { pending, state })
}

fn ids(entries: Vec<Entry>) -> Result<Vec<StreamId>> {
    entries.into_iter().map(|(id, _)| Ok(id.parse()?)).collect()
}

/// An item, whose header says the same of its end as Redis does.
async fn item(redis: &RedisAlone, key: &str) -> Result<Stored> {
    let stored: Vec<u8> = redis.command(&["GET", key]).await?;
    let content = stored.splitn(3, |&b| b == b' ').nth(2).context("an item has three fields")?.to_vec();
    let Head { revision, expires_at_ms, .. } = Item::decode(stored)?.head;
    let ends: i64 = redis.command(&["PEXPIRETIME", key]).await?;
    ensure!(u64::try_from(ends).ok() == expires_at_ms, "{key} ends at {ends} and says {expires_at_ms:?}");
    Ok(Stored { revision, expires_at_ms, content })
}
