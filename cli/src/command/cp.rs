//! `larder cp`.

use std::time::Duration;

use clap::Args;
use larder_protocol::{ItemId, Metadata};

use super::item_id;
use super::put::{Wait, tell};
use crate::client::{Condition, Content, Item};
use crate::failure::Failure;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Cp {
    /// The id of the item to copy.
    #[arg(value_parser = item_id)]
    from: ItemId,

    /// The id of the copy.
    #[arg(value_parser = item_id)]
    to: ItemId,

    /// Copy it to the store of this context.
    #[arg(long, value_name = "NAME")]
    to_context: Option<String>,

    /// Only if there is no such item yet.
    #[arg(long)]
    if_none_match: bool,

    #[command(flatten)]
    wait: Wait,
}

impl Cp {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let from = settings.place()?;
        let source = settings.client_of(&from)?;
        let target = match &self.to_context {
            None => settings.client_of(&from.writable()?)?,
            Some(name) => settings.client_of(&settings.place_of(name)?.writable()?)?,
        };
        let content = content(source.get(&self.from, None).await?)?;
        let condition = if self.if_none_match { Condition::Absent } else { Condition::None };
        let written = target.put(&self.to, content, condition, self.wait.duration()).await?;
        tell(&self.to, &written, "stored", settings)
    }
}

/// All of an item, as it would be stored again: it ends when this one does.
pub fn content(item: Item) -> anyhow::Result<Content> {
    let Some(ttl) = item.known.ttl() else {
        return Err(Failure::No(format!("the item {} has ended meanwhile", item.id)).into());
    };
    let metadata = Metadata::new(item.known.meta.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    Ok(Content {
        content_type: item.known.content_type,
        value: item.value,
        metadata,
        ttl: ttl.map(Duration::from_secs),
    })
}
