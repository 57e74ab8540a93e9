//! `larder get`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use larder_protocol::{ItemId, Revision};
use tempfile::NamedTempFile;

use super::item_id;
use crate::client::{Item, Known};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Get {
    /// The id of the item.
    #[arg(value_parser = item_id)]
    id: ItemId,

    /// Write the value to this file, whole or not at all.
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Tell what is known of the item, without its value.
    #[arg(long, conflicts_with = "file")]
    head: bool,

    /// Ask for this state of the item or a later one, and wait for it for 10 s.
    #[arg(long, value_name = "REVISION")]
    min_revision: Option<Revision>,
}

impl Get {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let client = settings.client()?;
        if self.head {
            let known = client.head(&self.id, self.min_revision).await?;
            if settings.json() {
                let mut told = serde_json::to_value(&known)?;
                told["id"] = self.id.as_str().into();
                terminal::say_json(&told)?;
            } else {
                io::stdout().write_all(described(&known).as_bytes())?;
            }
            return Ok(());
        }
        let item = client.get(&self.id, self.min_revision).await?;
        match &self.file {
            Some(path) => save(path, &item)?,
            None if settings.json() => terminal::say_json(&item)?,
            None if terminal::is_stdout() => show(&item)?,
            None => {
                let mut out = io::stdout().lock();
                out.write_all(&item.value)?;
                out.flush()?;
            }
        }
        Ok(())
    }
}

fn save(path: &Path, item: &Item) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> anyhow::Result<()> {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&item.value)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// For a person: text, of which nothing acts on the terminal.
fn show(item: &Item) -> anyhow::Result<()> {
    let Ok(text) = std::str::from_utf8(&item.value) else {
        let (bytes, known) = (item.value.len(), terminal::line(&item.known.content_type));
        let why = format!(
            "the value is {bytes} bytes of {known} and no text; write it to a file with -o FILE, or into a pipe"
        );
        return Err(Failure::Usage(why).into());
    };
    let text = terminal::lines(text);
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn described(known: &Known) -> String {
    let mut text = format!("revision  {}\nmodified  {}\n", known.revision, known.modified);
    text += &format!("type      {}\n", terminal::line(&known.content_type));
    if let Some(end) = &known.expires {
        text += &format!("expires   {end}\n");
    }
    for (name, value) in &known.meta {
        text += &format!("meta      {}: {}\n", terminal::line(name), terminal::line(value));
    }
    text
}
