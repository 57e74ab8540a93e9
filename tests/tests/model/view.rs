//! The whole store as text, key by key: as the model has it, and as Redis has it.
//!
//! Comparing every key that is there, not those that we think of, also shows what should not be
//! there.

use std::collections::BTreeMap;

use larder_protocol::{Item, ItemId, Partition, Revision, keys, limits};
use larder_tests::RedisAlone;

use crate::request::WAIT;
use crate::shard::{Held, Record, Shard};

/// What each key holds.
pub type View = BTreeMap<String, String>;

/// The partitions of a store, as the model has them.
pub type Model = BTreeMap<Partition, Shard>;

/// The keys of the model.
pub fn expected(model: &Model) -> View {
    let mut view = View::new();
    for (&p, shard) in model {
        let certain = |id: &ItemId| !shard.doubtful.contains(id);
        let at = |id| Revision { partition: p, id };
        for (id, held) in &shard.items {
            view.insert(
                keys::item(id),
                match held {
                    Held::Item(item) => format!("{item:?} until {:?}", item.head.expires_at_ms),
                    Held::Text => TEXT.to_owned(),
                    Held::List => LIST.to_owned(),
                },
            );
        }
        view.insert(keys::index(p), set(shard.index.iter().filter(|id| certain(id)).map(|id| (id, 0))));
        view.insert(keys::expiry(p), set(shard.expiry.iter().filter(|(id, _)| certain(id)).map(|(id, &ms)| (id, ms))));
        let writes = shard.pending.iter().map(|(id, entry)| format!("{id} {:?}", entry.fields()));
        view.insert(keys::writes(p), writes.collect::<Vec<_>>().join("\n"));
        let dead = shard.dead.iter().map(|dead| {
            let head = ["revision", &dead.revision.to_string(), "reason", &dead.reason].map(str::to_owned);
            format!("{:?}", [head.to_vec(), dead.entry.fields()].concat())
        });
        view.insert(keys::dead(p), dead.collect::<Vec<_>>().join("\n"));
        let changes = shard.changes.iter().map(|fields| format!("{fields:?}"));
        view.insert(keys::changes(p), changes.collect::<Vec<_>>().join("\n"));
        let rejections = shard.rejections.iter().map(|(id, (outcome, of))| {
            let fields = ["outcome", &outcome.to_string(), "id", of].map(str::to_owned);
            format!("{id} {fields:?}")
        });
        view.insert(keys::rejected(p), rejections.collect::<Vec<_>>().join("\n"));
        for (&id, outcome) in &shard.told {
            view.insert(keys::outcome(at(id)), format!("[\"{outcome}\"] kept"));
        }
        for (key, record) in &shard.records {
            view.insert(
                key.clone(),
                match record {
                    Record::Of { revision, digest, outcome } => {
                        let outcome = outcome.as_ref().map(|outcome| format!(" {outcome}\n"));
                        format!("{revision} {digest}{} kept", outcome.unwrap_or_default())
                    }
                    Record::List => LIST.to_owned(),
                },
            );
        }
    }
    view.retain(|_, text| !text.is_empty());
    view
}

/// What a stranger puts in the place of ours.
pub const TEXT: &str = "no item";
const LIST: &str = "a list";

fn set<'a>(members: impl Iterator<Item = (&'a ItemId, u64)>) -> String {
    // Redis orders by score, then by bytes.
    let mut members: Vec<_> = members.map(|(id, score)| (score, id.as_str())).collect();
    members.sort_unstable();
    members.iter().map(|member| format!("{member:?}")).collect::<Vec<_>>().join("\n")
}

/// The keys of Redis. Ids that the model is unsure of are left out of the sets.
pub async fn observed(redis: &RedisAlone, model: &Model) -> anyhow::Result<View> {
    let mut view = View::new();
    for key in redis.command::<Vec<String>>(&["KEYS", "*"]).await? {
        let text = match redis.command::<String>(&["TYPE", &key]).await?.as_str() {
            "string" => string(redis, &key).await?,
            "stream" => stream(redis, &key).await?,
            "zset" => {
                let members: Vec<(String, u64)> = redis.command(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await?;
                let members = members.into_iter().map(|(id, score)| anyhow::Ok((ItemId::new(id)?, score)));
                let members = members.collect::<anyhow::Result<Vec<_>>>()?;
                let doubtful = |id: &ItemId| model.values().any(|shard| shard.doubtful.contains(id));
                set(members.iter().filter(|(id, _)| !doubtful(id)).map(|(id, score)| (id, *score)))
            }
            "list" if key.contains(":outcome:") => told(redis, &key).await?,
            "list" => LIST.to_owned(),
            other => format!("a {other}"),
        };
        view.insert(key, text);
    }
    view.retain(|_, text| !text.is_empty());
    Ok(view)
}

async fn string(redis: &RedisAlone, key: &str) -> anyhow::Result<String> {
    let text: String = redis.command(&["GET", key]).await?;
    if key.contains(":item:") && text != TEXT && !key.contains(":idem:") {
        let ends: i64 = redis.command(&["PEXPIRETIME", key]).await?;
        let item = Item::decode(text.into_bytes())?;
        return Ok(format!("{item:?} until {:?}", u64::try_from(ends).ok()));
    }
    Ok(text + lifetime(redis, key, limits::IDEMPOTENCY_KEPT).await?)
}

async fn stream(redis: &RedisAlone, key: &str) -> anyhow::Result<String> {
    let entries: Vec<(String, Vec<String>)> = redis.command(&["XRANGE", key, "-", "+"]).await?;
    let lines = entries.into_iter().map(|(id, fields)| match key {
        _ if key.ends_with(":writes") || key.ends_with(":rejected") => format!("{id} {fields:?}"),
        _ => format!("{fields:?}"),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(text)
}

/// What is there to be read by those who wait for a write.
async fn told(redis: &RedisAlone, key: &str) -> anyhow::Result<String> {
    let outcomes: Vec<String> = redis.command(&["LRANGE", key, "0", "-1"]).await?;
    let kept = WAIT + limits::OUTCOME_KEPT_AFTER_WAIT;
    Ok(format!("{outcomes:?}") + lifetime(redis, key, kept).await?)
}

/// Whether a key lives for as long as `kept`, but for the time that a test takes.
async fn lifetime(redis: &RedisAlone, key: &str, kept: std::time::Duration) -> anyhow::Result<&'static str> {
    let left: i64 = redis.command(&["PTTL", key]).await?;
    let kept = i64::try_from(kept.as_millis())?;
    Ok(match left {
        -1 => "",
        left if (kept - 60_000..=kept).contains(&left) => " kept",
        _ => " kept for another time",
    })
}
