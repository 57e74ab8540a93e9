//! `larder diff`.
//!
//! Both sides are in the order of the bytes of their ids, so they are read once, side by side.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use clap::Args;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::import::Reader;
use crate::client::{Client, Item};
use crate::failure::Failure;
use crate::settings::{Contexts, Settings, url};
use crate::terminal;

#[derive(Debug, Args)]
pub struct Diff {
    /// With what to compare the store: an export, or the name of a context, or the URL of another store that takes
    /// the same token.
    other: PathBuf,

    /// Only ids that start with this.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
}

type Items<'a> = Pin<Box<dyn Stream<Item = anyhow::Result<Item>> + 'a>>;

/// How an item differs.
#[derive(Debug, PartialEq, Eq)]
enum Difference {
    /// Only the store has it.
    Added(String),
    /// Only the other side has it.
    Removed(String),
    /// Both have it, and these parts differ.
    Changed(String, Vec<&'static str>),
}

impl Diff {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?;
        let client = settings.client_of(&place)?;
        let other;
        let theirs = if self.other.is_file() {
            exported(&self.other, &self.prefix)?
        } else {
            other = self.store(settings)?;
            stored(&other, &self.prefix)
        };
        let differences = compare(theirs, stored(&client, &self.prefix), settings).await?;
        if differences == 0 {
            return Ok(());
        }
        Err(Failure::No(format!("{differences} differ")).into())
    }

    /// The other store.
    fn store(&self, settings: &Settings) -> anyhow::Result<Client> {
        let name = self.other.to_string_lossy();
        if let Ok(url) = url(&name) {
            return Client::new(&url, settings.place()?.token.as_ref(), settings.retries());
        }
        let contexts = Contexts::load(&settings.contexts_file()?)?;
        contexts
            .get(&name)
            .map_err(|failure| Failure::Usage(format!("{name} is neither a file nor a URL, and {failure}")))?;
        settings.client_of(&settings.place_of(&name)?)
    }
}

fn stored<'a>(client: &'a Client, prefix: &str) -> Items<'a> {
    let pages = client.whole(prefix, None).map_err(anyhow::Error::from);
    Box::pin(pages.map_ok(|page| stream::iter(page.items).map(anyhow::Ok)).try_flatten())
}

fn exported(path: &Path, prefix: &str) -> anyhow::Result<Items<'static>> {
    let reader = Reader::open(path, 0, prefix)?;
    let state = (reader, String::new());
    Ok(Box::pin(stream::try_unfold(state, async |(mut reader, last)| {
        let Some((item, _)) = reader.item()? else {
            anyhow::ensure!(reader.is_complete(), Failure::Usage("the export is not complete".to_owned()));
            return Ok(None);
        };
        let why = || Failure::Usage(format!("the export is not in the order of its ids: {:?} comes late", item.id));
        anyhow::ensure!(last.is_empty() || last < item.id, why());
        let id = item.id.clone();
        Ok(Some((item, (reader, id))))
    })))
}

/// Tells the differences as it finds them; answers how many there are.
async fn compare(mut theirs: Items<'_>, mut ours: Items<'_>, settings: &Settings) -> anyhow::Result<u64> {
    let (mut their, mut our) = (theirs.try_next().await?, ours.try_next().await?);
    let mut differences = 0;
    loop {
        let order = match (&their, &our) {
            (None, None) => return Ok(differences),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(their), Some(our)) => their.id.cmp(&our.id),
        };
        let left = if order.is_le() { std::mem::replace(&mut their, theirs.try_next().await?) } else { None };
        let right = if order.is_ge() { std::mem::replace(&mut our, ours.try_next().await?) } else { None };
        if let Some(difference) = difference(left, right) {
            differences += 1;
            tell(&difference, settings)?;
        }
    }
}

fn difference(their: Option<Item>, our: Option<Item>) -> Option<Difference> {
    let (their, our) = match (their, our) {
        (Some(their), Some(our)) => (their, our),
        (Some(their), None) => return Some(Difference::Removed(their.id)),
        (None, our) => return our.map(|our| Difference::Added(our.id)),
    };
    let parts = [
        ("value", their.value != our.value),
        ("type", their.known.content_type != our.known.content_type),
        ("metadata", their.known.meta != our.known.meta),
        ("end", their.known.expires.is_some() != our.known.expires.is_some()),
    ];
    let parts: Vec<_> = parts.into_iter().filter_map(|(part, differs)| differs.then_some(part)).collect();
    (!parts.is_empty()).then_some(Difference::Changed(our.id, parts))
}

fn tell(difference: &Difference, settings: &Settings) -> anyhow::Result<()> {
    let (sign, name, id, parts) = match difference {
        Difference::Added(id) => ('+', "added", id, &vec![]),
        Difference::Removed(id) => ('-', "removed", id, &vec![]),
        Difference::Changed(id, parts) => ('~', "changed", id, parts),
    };
    if settings.json() {
        return terminal::say_json(&json!({"id": id, "difference": name, "parts": parts}));
    }
    let parts = if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) };
    Ok(terminal::say(&format!("{sign} {}{parts}", terminal::line(id)))?)
}
