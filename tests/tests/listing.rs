//! Listing against a plain model: any ids, prefix, delimiter and page size.
//!
//! The ids go straight into the index, so that a case takes milliseconds; everything else is the
//! real component and a real Redis.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_protocol::{ItemId, Partition, keys};
use larder_system::System;
use larder_tests::{Direct, Larder};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Method;
use serde_json::Value;

/// What a listing tells, in its order: ids, and groups with a `*` behind them.
type Told = Vec<String>;

#[derive(Clone, Debug)]
struct Case {
    ids: BTreeSet<String>,
    prefix: String,
    delimiter: &'static str,
    limit: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let id = "[a-c/]{1,5}|[a-bé~ ]{1,3}";
    let delimiter = prop_oneof![Just(""), Just("/"), Just("b"), Just("//")];
    let some = prop::collection::btree_set(id, 0..60);
    // Sequences of ids are what people have.
    let many = (0..900_usize).prop_map(|count| (0..count).map(|n| format!("c/{:03}/{n}", n / 7)).collect());
    (prop_oneof![3 => some, 1 => many], "[a-c/]{0,2}", delimiter, prop_oneof![1..6_usize, Just(100), Just(1_000)])
        .prop_map(|(ids, prefix, delimiter, limit)| Case { ids, prefix, delimiter, limit })
}

impl Case {
    /// What has to be told.
    fn told(&self, root: &str) -> Told {
        let mut told = BTreeSet::new();
        for id in self.ids.iter().filter_map(|id| id.strip_prefix(&self.prefix)) {
            let group = if self.delimiter.is_empty() { None } else { id.find(self.delimiter) };
            let line = group.map_or_else(|| id.to_owned(), |at| format!("{}*", &id[..at + self.delimiter.len()]));
            told.insert(format!("{root}{}{line}", self.prefix));
        }
        told.into_iter().collect()
    }

    async fn put(&self, redis: &Direct, root: &str) -> anyhow::Result<()> {
        for id in &self.ids {
            let id = ItemId::new(format!("{root}{id}"))?;
            redis.command::<u64>(&["ZADD", &keys::index(Partition::of(&id)), "0", id.as_str()]).await?;
        }
        Ok(())
    }

    /// Walks through all pages.
    async fn list(&self, larder: &Larder, root: &str) -> anyhow::Result<Told> {
        let (mut told, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let (prefix, limit) = (format!("{root}{}", self.prefix), self.limit.to_string());
            let mut query = vec![("prefix", prefix.as_str()), ("limit", &limit)];
            query.extend((!self.delimiter.is_empty()).then_some(("delimiter", self.delimiter)));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let request = larder.request(Method::GET, "/items").query(&query);
            let text =
                request.header("accept", "application/x-ndjson").send().await?.error_for_status()?.text().await?;
            cursor = None;
            let before = told.len();
            for line in text.lines() {
                let line: Value = serde_json::from_str(line)?;
                told.extend(line["id"].as_str().map(str::to_owned));
                told.extend(line["prefix"].as_str().map(|prefix| format!("{prefix}*")));
                cursor = line["cursor"].as_str().map(str::to_owned).or(cursor);
            }
            anyhow::ensure!(told.len() - before <= self.limit, "a page of more than {}", self.limit);
            if cursor.is_none() {
                return Ok(told);
            }
        }
    }
}

#[test]
fn any_listing_tells_each_id_once_and_in_order() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let Some(mut larder) = runtime.block_on(Larder::own(System::builder()))? else { return Ok(()) };
    let redis = runtime.block_on(Direct::open(&larder.system().redis.url()))?;
    let number = AtomicU32::new(0);
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner.run(&cases(), |case| {
        // Each case lists what lies below a root of its own.
        let root = format!("{}\u{2192}", number.fetch_add(1, Ordering::Relaxed));
        let told = runtime.block_on(async {
            case.put(&redis, &root).await?;
            case.list(&larder, &root).await
        });
        let told = told.map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        prop_assert_eq!(told, case.told(&root));
        Ok(())
    })?;
    Ok(())
}
