//! All that a Redis holds, as text, in which IDs and times that were just given out count by their order.

use std::collections::{BTreeMap, BTreeSet};

use larder_tests::RedisAlone;

use super::faulty::Faulty;

/// What each key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump(BTreeMap<String, String>);

/// Digits of a time in ms of our days, at least; none of the tests writes so long a number.
const DIGITS: usize = 13;

impl Dump {
    /// What is there, without what only saves time: notes of large entries, and outcomes for those who wait. An empty
    /// stream counts as none.
    pub async fn of(redis: &RedisAlone) -> anyhow::Result<Self> {
        let mut raw = BTreeMap::new();
        let keys: Vec<String> = redis.command(&["KEYS", "*"]).await?;
        let saves_time = |key: &str| key.ends_with(":large") || key.contains(":outcome:");
        for key in keys.into_iter().filter(|key| !Faulty::is_own(key) && !saves_time(key)) {
            let kind: String = redis.command(&["TYPE", &key]).await?;
            let words: &[&str] = match kind.as_str() {
                "string" => &["GET", &key],
                "list" => &["LRANGE", &key, "0", "-1"],
                "hash" => &["HGETALL", &key],
                "zset" => &["ZRANGE", &key, "0", "-1", "WITHSCORES"],
                "stream" => &["XRANGE", &key, "-", "+"],
                other => anyhow::bail!("{key} is a {other}"),
            };
            let mut value: redis::Value = redis.command(words).await?;
            if key.ends_with(":changes") || key.ends_with(":dead") {
                forget_ids(&mut value);
            }
            let ends = redis.command::<i64>(&["PTTL", &key]).await? > 0;
            if value != redis::Value::Array(vec![]) {
                raw.insert(key, format!("{}{}", text(&value), if ends { " ends" } else { "" }));
            }
        }
        let ids: BTreeSet<_> = raw.iter().flat_map(|(key, text)| [key, text]).flat_map(|text| numbers(text)).collect();
        let names: BTreeMap<_, _> = ids.iter().filter(|id| id.1.is_some()).zip(1..).collect();
        let renamed = |text: &str| {
            ids.iter().rev().fold(text.to_owned(), |text, id| {
                text.replace(&id.2, &names.get(id).map_or("<time>".to_owned(), |n| format!("<ID {n}>")))
            })
        };
        Ok(Self(raw.iter().map(|(key, text)| (renamed(key), renamed(text))).collect()))
    }

    /// The same without some keys.
    pub fn without(&self, is_left_out: impl Fn(&str) -> bool) -> Self {
        Self(
            self.0.iter().filter(|(key, _)| !is_left_out(key)).map(|(key, text)| (key.clone(), text.clone())).collect(),
        )
    }

    /// What a key holds, empty for nothing.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// What differs.
    pub fn difference(&self, wanted: &Self) -> String {
        let keys: BTreeSet<_> = self.0.keys().chain(wanted.0.keys()).collect();
        let differ = keys.into_iter().filter(|key| self.0.get(*key) != wanted.0.get(*key));
        let lines = differ
            .map(|key| format!("  {key}\n    is      {:?}\n    must be {:?}", self.0.get(key), wanted.0.get(key)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A time, and the rest of an ID that begins with it, and how that is written.
type Number = (u64, Option<u64>, String);

/// The times in a text, and the IDs that begin with one.
fn numbers(text: &str) -> Vec<Number> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let parsed = |text: &str| text.parse().unwrap_or(u64::MAX);
    let (mut found, mut rest) = (vec![], text);
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[at..];
        let (time, behind) = rest.split_at(digits(rest));
        let seq = behind.strip_prefix('-').map(|behind| &behind[..digits(behind)]).filter(|seq| !seq.is_empty());
        let length = time.len() + seq.map_or(0, |seq| seq.len() + 1);
        if time.len() >= DIGITS {
            found.push((parsed(time), seq.map(parsed), rest[..length].to_owned()));
        }
        rest = &rest[length..];
    }
    found
}

/// Those of a stream whose entries nobody names.
fn forget_ids(stream: &mut redis::Value) {
    let redis::Value::Array(entries) = stream else { return };
    for entry in entries {
        if let redis::Value::Array(parts) = entry {
            parts.remove(0);
        }
    }
}

fn text(value: &redis::Value) -> String {
    match value {
        redis::Value::Array(parts) => format!("[{}]", parts.iter().map(text).collect::<Vec<_>>().join(", ")),
        redis::Value::BulkString(bytes) if bytes.len() > 1_000 => format!("{} bytes", bytes.len()),
        redis::Value::BulkString(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        other => format!("{other:?}"),
    }
}
