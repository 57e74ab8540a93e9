//! `larder rm`.

use clap::Args;
use futures::stream::{self, StreamExt as _};
use larder_protocol::ItemId;
use serde_json::json;

use super::item_id;
use super::put::{AnyOr, Wait, revision_or_any, tell};
use crate::client::{Client, Condition, Operation};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// Operations of one request.
const BATCH: usize = 500;

/// Requests at once.
const AT_ONCE: usize = 4;

/// Ids that are shown before the question.
const PREVIEW: usize = 10;

#[derive(Debug, Args)]
pub struct Rm {
    /// The ids of the items.
    #[arg(value_name = "ID", value_parser = item_id, required_unless_present = "prefix")]
    ids: Vec<ItemId>,

    /// Delete all whose ids start with this; it shows how many, and asks.
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["ids", "if_match"])]
    prefix: Option<String>,

    /// With --prefix: do not ask.
    #[arg(long, requires = "prefix")]
    yes: bool,

    /// With --prefix: only show what would be deleted.
    #[arg(long, requires = "prefix", conflicts_with = "yes")]
    dry_run: bool,

    /// Delete the item only if it is at this revision; * for any, so that there has to be one.
    #[arg(long, value_name = "REVISION", value_parser = revision_or_any)]
    if_match: Option<AnyOr>,

    #[command(flatten)]
    wait: Wait,
}

impl Rm {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if let Some(prefix) = &self.prefix {
            return self.all(prefix, settings).await;
        }
        let client = settings.client_of(&settings.place()?.writable()?)?;
        if self.ids.len() > 1 && matches!(self.if_match, Some(AnyOr::Revision(_))) {
            return Err(Failure::Usage("a revision is of one item, and here are several".to_owned()).into());
        }
        let condition = match self.if_match {
            None => Condition::None,
            Some(AnyOr::Any) => Condition::Exists,
            Some(AnyOr::Revision(revision)) => Condition::At(revision),
        };
        for id in &self.ids {
            let deleted = client.delete(id, condition, self.wait.duration()).await?;
            tell(id, &deleted, "deleted", settings)?;
        }
        Ok(())
    }

    /// Deletes those that are there when it asks, and none that come later.
    async fn all(&self, prefix: &str, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?;
        let place = if self.dry_run { place } else { place.writable()? };
        let client = settings.client_of(&place)?;
        let ids = client.ids(prefix).await?;
        if self.dry_run && settings.json() {
            ids.iter().try_for_each(|id| terminal::say_json(&json!({"id": id})))?;
            return Ok(());
        }
        preview(&ids, &place.described());
        if ids.is_empty() || self.dry_run {
            return Ok(());
        }
        if !self.yes {
            terminal::confirm(&format!("Delete {} items for good?", ids.len()))?;
        }
        let undone = delete(&client, &ids).await?;
        let deleted = ids.len() - undone.len();
        if settings.json() {
            terminal::say_json(&json!({"deleted": deleted, "undone": undone}))?;
        } else {
            terminal::say(&format!("{deleted} deleted"))?;
        }
        if undone.is_empty() { Ok(()) } else { Err(Failure::Incomplete(undone.join("\n  ")).into()) }
    }
}

/// Says on stderr what it is about.
fn preview(ids: &[String], place: &str) {
    eprintln!("{} items in the store {place}", ids.len());
    for id in ids.iter().take(PREVIEW) {
        eprintln!("  {}", larder_operator::text::escaped(id.as_bytes()));
    }
    if ids.len() > PREVIEW {
        eprintln!("  … and {} more", ids.len() - PREVIEW);
    }
}

/// Deletes them, many at once; answers what went wrong.
pub async fn delete(client: &Client, ids: &[String]) -> anyhow::Result<Vec<String>> {
    let bar = terminal::progress(Some(ids.len() as u64), false);
    let batches = ids.chunks(BATCH).map(async |ids| {
        let operations: Vec<_> = ids.iter().map(|id| Operation::Delete { id: id.clone() }).collect();
        client.write_many(&operations).await
    });
    let mut answers = stream::iter(batches).buffer_unordered(AT_ONCE);
    let mut undone = Vec::new();
    while let Some(done) = answers.next().await {
        let done = done?;
        bar.inc(done.len() as u64);
        undone.extend(done.iter().filter_map(crate::client::Done::trouble));
    }
    bar.finish_and_clear();
    Ok(undone)
}
