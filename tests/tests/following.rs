//! Listing and following together are the store: whoever lists, and then follows from the cursor that the
//! listing tells, has at any later moment what the store has; whatever was written before, between the pages
//! and behind them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use larder_system::System;
use larder_tests::Larder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

/// What each item is at: its revision.
type Mirror = BTreeMap<String, String>;

#[derive(Clone, Debug)]
enum Step {
    /// Each item, by its number, is stored or removed.
    Write(Vec<(u8, bool)>),
    /// The next page of the listing, of so many.
    List(usize),
    /// The next page of changes, of so many.
    Follow(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = vec((0_u8..12, prop::bool::weighted(0.6)), 1..8).prop_map(Step::Write);
    let step =
        prop_oneof![3 => write, 3 => (1_usize..8).prop_map(Step::List), 2 => (1_usize..8).prop_map(Step::Follow)];
    vec(step, 1..25)
}

/// Somebody who mirrors what lies below a root.
struct Follower<'a> {
    larder: &'a Larder,
    root: &'a str,
    mirror: Mirror,
    /// Where to go on listing; `None` when that is done.
    page: Option<String>,
    /// Where to go on following; `None` before the first page.
    cursor: Option<String>,
}

impl Follower<'_> {
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let request = self.larder.request(Method::GET, path).query(&[("prefix", self.root)]).query(query);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn take(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Write(writes) => {
                let operation = |(item, is_put): &(u8, bool)| {
                    let id = format!("{}{item}", self.root);
                    let operation = match is_put {
                        true => json!({"op": "put", "id": id, "value": "x"}),
                        false => json!({"op": "delete", "id": id}),
                    };
                    format!("{operation}\n")
                };
                let request =
                    self.larder.request(Method::POST, "/items").header("content-type", "application/x-ndjson");
                let body: String = writes.iter().map(operation).collect();
                request.header("prefer", "wait=10").body(body).send().await?.error_for_status()?;
            }
            Step::List(limit) => {
                if self.cursor.is_some() && self.page.is_none() {
                    return Ok(());
                }
                let limit = limit.to_string();
                let mut query = vec![("limit", limit.as_str()), ("values", "meta"), ("changes", "true")];
                query.extend(self.page.as_deref().map(|page| ("cursor", page)));
                let page = self.get("/items", &query).await?;
                for item in page["items"].as_array().context("items")? {
                    self.keep(item)?;
                }
                self.page = page["cursor"].as_str().map(str::to_owned);
                self.cursor = self.cursor.take().or(page["changes"].as_str().map(str::to_owned));
            }
            Step::Follow(limit) => _ = self.follow(*limit).await?,
        }
        Ok(())
    }

    fn keep(&mut self, item: &Value) -> anyhow::Result<()> {
        let text = |name: &str| item[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {item}"));
        self.mirror.insert(text("id")?, text("revision")?);
        Ok(())
    }

    /// One page of changes, once the listing is done; whether there was any.
    async fn follow(&mut self, limit: usize) -> anyhow::Result<bool> {
        let (Some(since), None) = (&self.cursor, &self.page) else { return Ok(false) };
        let page = self.get("/changes", &[("since", since), ("limit", &limit.to_string())]).await?;
        let changes = page["changes"].as_array().context("changes")?;
        for change in changes {
            if change["op"] == "put" {
                self.keep(change)?;
            } else {
                self.mirror.remove(change["id"].as_str().context("an id")?);
            }
        }
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        Ok(!changes.is_empty())
    }

    /// Lists and follows to the end; the mirror, and what the store has.
    async fn finish(mut self) -> anyhow::Result<(Mirror, Mirror)> {
        while self.cursor.is_none() || self.page.is_some() {
            self.take(&Step::List(3)).await?;
        }
        while self.follow(5).await? {}
        let mirror = std::mem::take(&mut self.mirror);
        (self.page, self.cursor) = (None, None);
        self.take(&Step::List(1_000)).await?;
        Ok((mirror, self.mirror))
    }
}

#[test]
fn listing_and_following_are_the_store() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let Some(larder) = runtime.block_on(Larder::own(System::builder()))? else { return Ok(()) };
    let number = AtomicU32::new(0);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    runner.run(&steps(), |steps| {
        let root = format!("{}/", number.fetch_add(1, Ordering::Relaxed));
        let compared = runtime.block_on(async {
            let mut follower =
                Follower { larder: &larder, root: &root, mirror: Mirror::new(), page: None, cursor: None };
            for step in &steps {
                follower.take(step).await?;
            }
            follower.finish().await
        });
        let (mirror, store) = compared.map_err(|error: anyhow::Error| TestCaseError::fail(format!("{error:#}")))?;
        prop_assert_eq!(mirror, store);
        Ok(())
    })?;
    Ok(())
}
