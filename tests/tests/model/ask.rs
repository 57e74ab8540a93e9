//! What the scripts answer about a write, and about the state after it.

use anyhow::ensure;
use larder_protocol::{ItemId, Partition, Revision, StreamId, call, limits};

use crate::run::{Run, same, wrong_type};
use crate::shard::{Held, Progress};
use crate::step::IDS;

impl Run<'_> {
    pub(crate) async fn ask_about_all(&self) -> anyhow::Result<()> {
        for id in IDS.iter() {
            for &revision in &self.model[&Partition::of(id)].given {
                self.ask(id, revision).await?;
            }
        }
        Ok(())
    }

    /// One write, seen from one item.
    pub(crate) async fn ask(&self, id: &ItemId, asked: StreamId) -> anyhow::Result<()> {
        let p = Partition::of(id);
        let shard = &self.model[&p];
        let too_old = self.now().await? - u64::try_from(limits::OUTCOME_KEPT.as_millis())?;
        let progress = shard.progress(id, asked, too_old);
        let strange = matches!(shard.items.get(id), Some(Held::List));

        let is = self.run::<Vec<String>>(&call::outcome(Revision { partition: p, id: asked }, Some(id))).await;
        if strange {
            wrong_type(is)?;
        } else {
            let (state, outcome) = match &progress {
                Progress::Pending => ("pending", String::new()),
                Progress::NotApplied(outcome) => ("rejected", outcome.to_string()),
                Progress::Unknown => ("unknown", String::new()),
                Progress::Gone => ("gone", String::new()),
                Progress::Applied => ("applied", String::new()),
            };
            let current = shard.revision(id).map_or("-".to_owned(), |id| id.to_string());
            same(is?, vec![state.to_owned(), outcome, current])?;
        }

        let is = self.run::<Vec<Option<String>>>(&call::read_after(id, asked)).await;
        let is_current = is.as_ref().is_ok_and(|reply| reply[0].as_deref() == Some("current"));
        if Some(asked) > shard.last {
            same(is?, vec![Some("ahead".to_owned())])
        } else if shard.pending.keys().next().is_some_and(|head| *head <= asked) {
            same(is?, vec![Some("pending".to_owned())])
        } else if strange {
            wrong_type(is)
        } else {
            ensure!(is_current, "{is:?}, but the item is to be had");
            same(is?[1].is_some(), shard.items.contains_key(id))
        }
    }
}
