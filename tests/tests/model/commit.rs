//! The steps of workers and operators: commits, also with a broken key, and retries.

use anyhow::{Context as _, ensure};
use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Outcome, Partition, call, keys, limits};

use crate::entry::Entry;
use crate::run::{Run, same};
use crate::step::Broken;

impl Run<'_> {
    pub(crate) async fn commit(
        &mut self,
        p: Partition,
        max_entries: usize,
        max_bytes: usize,
        broken: Option<Broken>,
    ) -> anyhow::Result<()> {
        self.wait_for_ttls(p).await?;
        let now = self.now().await?;
        let key = broken.map(|broken| match broken {
            Broken::Index => keys::index(p),
            Broken::Expiry => keys::expiry(p),
            Broken::Changes => keys::changes(p),
        });
        if let Some(key) = &key {
            let _: Result<String, _> = self.redis.command(&["RENAME", key, "aside"]).await;
            self.redis.command::<String>(&["SET", key, "wrong"]).await?;
        }
        let commit = call::commit(p, max_entries, max_bytes, limits::DEFAULT_CHANGES_KEPT);
        let is: Committed = self.run::<CommitReply>(&commit).await?.into();
        if let Some(key) = &key {
            self.redis.command::<u64>(&["DEL", key]).await?;
            let _: Result<String, _> = self.redis.command(&["RENAME", "aside", key]).await;
        }

        let shard = self.model.entry(p).or_default();
        if !matches!(broken, Some(Broken::Changes)) {
            shard.open_feed();
        }
        let (mut applied, mut rejected, mut dead, mut bytes, mut failed) = (0_u64, 0, 0, 0, false);
        // Each call takes at least one entry, and ends with the one that reaches a bound.
        while applied + rejected + dead < max_entries as u64 && bytes < max_bytes {
            let Some((_, head)) = shard.pending.first_key_value() else { break };
            if let (Entry::Write { id, write }, Some(broken)) = (head, broken) {
                // The feed hears nothing of the removal of what is not there.
                let is_untold = !write.operation.stores() && !shard.items.contains_key(id) && !shard.is_overdue(id);
                let needs_it = !(matches!(broken, Broken::Changes) && is_untold);
                // It needs the broken key, so it stays at the head as if it had not been tried.
                if needs_it && shard.judge(id, write).is_none() {
                    failed = true;
                    shard.doubtful.insert(id.clone());
                    break;
                }
            }
            bytes += head.size();
            match shard.settle_head(now).context("there is a head")? {
                Outcome::Rejected { .. } | Outcome::NotAdded(_) => rejected += 1,
                Outcome::Dead(_) => dead += 1,
                _ => applied += 1,
            }
        }
        let error = if failed && is.error.contains("WRONGTYPE") { is.error.clone() } else { String::new() };
        let counted: u64 = is.ages.iter().map(|(_, entries)| entries).sum();
        ensure!(counted == applied + rejected + dead, "{is:?}");
        ensure!(is.told.len() as u64 == dead && is.told.iter().all(|told| told.outcome.starts_with("dead ")), "{is:?}");
        let left = shard.pending.len() as u64;
        let told = (is.applied, is.rejected, is.dead, is.left, is.error, is.bytes);
        same(told, (applied, rejected, dead, left, error.clone(), bytes as u64))?;
        ensure!(failed != error.is_empty(), "the error of the broken key is not told");
        Ok(())
    }

    pub(crate) async fn retry(&mut self, p: Partition, nth: usize) -> anyhow::Result<()> {
        let entries: Vec<(String, Vec<String>)> = self.redis.command(&["XRANGE", &keys::dead(p), "-", "+"]).await?;
        let entry = entries.get(nth).map_or("5-0", |(id, _)| id).parse()?;
        let is: Vec<String> = self.run(&call::retry(p, entry)).await?;
        let shard = self.model.entry(p).or_default();
        if nth >= shard.dead.len() {
            return same(is, vec!["absent".to_owned()]);
        }
        let entry = shard.dead.remove(nth).entry.again();
        ensure!(is.len() == 2 && is[0] == "retried", "{is:?}");
        self.queue(p, &is[1], entry, "")
    }
}
