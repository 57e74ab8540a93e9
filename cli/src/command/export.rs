//! `larder export`, and the form of an export.
//!
//! Each line is a JSON object. The first says what it is an export of; then come items, as `POST /items/get` tells
//! them, and behind each page of the listing its cursor; the last says that it is complete. So the file is its own
//! state: an export that was interrupted goes on behind its last cursor, and one that is not complete says so.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use clap::Args;
use futures::stream::TryStreamExt as _;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::client::{Client, Wanted};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Export {
    /// Only ids that start with this. All by default.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// Write to this file, which must not be there. By default to stdout.
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Go on with an export that was interrupted.
    #[arg(long, requires = "file")]
    resume: bool,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// The version of the form.
    pub larder_export: u8,
    pub store: String,
    pub prefix: String,
    pub at: String,
}

/// Any line but the first and an item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// All before this is there.
    Cursor(String),
    /// It is complete, and has so many items.
    Complete(u64),
}

/// The version of the form.
pub const FORM: u8 = 1;

impl Export {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?;
        let client = settings.client_of(&place)?;
        let (out, found) = match &self.file {
            None => (Box::new(io::stdout()) as Box<dyn Write>, Found::default()),
            Some(path) if self.resume => reopen(path, &self.prefix, client.base())?,
            Some(path) => (Box::new(create(path)?) as Box<dyn Write>, Found::default()),
        };
        if found.complete {
            eprintln!("The export is complete already.");
            return Ok(());
        }
        let mut out = BufWriter::new(out);
        if !found.begun {
            let at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
            let head = Head { larder_export: FORM, store: client.base().to_owned(), prefix: self.prefix.clone(), at };
            line(&mut out, &head)?;
        }
        let bar = terminal::progress(None, false);
        bar.set_position(found.items);
        let counter = count(&client, &self.prefix, &bar);
        let written = self.write(&client, &mut out, found, &bar).await;
        counter.abort();
        bar.finish_and_clear();
        let items = written.map_err(|error| match &self.file {
            Some(path) => {
                error.context(format!("the export is not complete; go on with --resume -o {}", path.display()))
            }
            None => error,
        })?;
        if self.file.is_some() {
            eprintln!("{items} items of {}", place.described());
        }
        Ok(())
    }

    async fn write(
        &self,
        client: &Client,
        out: &mut impl Write,
        found: Found,
        bar: &ProgressBar,
    ) -> anyhow::Result<u64> {
        let mut items = found.items;
        let pages = client.whole(&self.prefix, found.cursor);
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await? {
            for item in &page.items {
                line(out, item)?;
            }
            items += page.items.len() as u64;
            bar.inc(page.items.len() as u64);
            if let Some(cursor) = page.cursor {
                line(out, &Mark::Cursor(cursor))?;
            }
            out.flush()?;
        }
        line(out, &Mark::Complete(items))?;
        out.flush()?;
        Ok(items)
    }
}

fn line(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Counts the items meanwhile, so that somebody who looks on is told how long it takes.
fn count(client: &Client, prefix: &str, bar: &ProgressBar) -> JoinHandle<()> {
    let (client, prefix, bar) = (client.clone(), prefix.to_owned(), bar.clone());
    tokio::spawn(async move {
        if bar.is_hidden() {
            return;
        }
        let pages = client.pages(Wanted { prefix, ..Wanted::default() }, None);
        if let Ok(total) = pages.try_fold(0, async |total, page| Ok(total + page.items.len() as u64)).await {
            terminal::set_total(&bar, total);
        }
    })
}

fn create(path: &Path) -> anyhow::Result<File> {
    let created = OpenOptions::new().write(true).create_new(true).open(path);
    created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let why = format!("{} is there already; go on with it by --resume, or name another", path.display());
            Failure::Usage(why).into()
        }
        _ => anyhow::Error::from(error).context(format!("cannot write {}", path.display())),
    })
}

/// How far an export has come.
#[derive(Debug, Default)]
struct Found {
    begun: bool,
    complete: bool,
    cursor: Option<String>,
    items: u64,
    /// Where its last whole page ends.
    end: u64,
}

/// Opens an export that was interrupted, and cuts off what is behind its last cursor.
fn reopen(path: &Path, prefix: &str, store: &str) -> anyhow::Result<(Box<dyn Write>, Found)> {
    let context = || format!("cannot go on with {}", path.display());
    let mut file = OpenOptions::new().read(true).write(true).open(path).with_context(context)?;
    let found = find(&file, path, prefix, store)?;
    file.set_len(found.end).with_context(context)?;
    file.seek(SeekFrom::End(0)).with_context(context)?;
    Ok((Box::new(file), found))
}

fn find(file: &File, path: &Path, prefix: &str, store: &str) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let (mut offset, mut items) = (0, 0);
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text)?;
        // What has no end was being written.
        if read == 0 || text.last() != Some(&b'\n') {
            return Ok(found);
        }
        offset += read as u64;
        if !found.begun {
            let head: Head = serde_json::from_slice(&text)
                .map_err(|_| Failure::Usage(format!("{} is no export of a Larder", path.display())))?;
            if head.prefix != prefix || head.store != store {
                let of = format!("{} is an export of {:?} in {}", path.display(), head.prefix, head.store);
                return Err(Failure::Usage(format!("{of}, and not of {prefix:?} in {store}")).into());
            }
            found = Found { begun: true, end: offset, ..found };
            continue;
        }
        match serde_json::from_slice(&text) {
            Ok(Mark::Cursor(cursor)) => found = Found { cursor: Some(cursor), end: offset, items, ..found },
            Ok(Mark::Complete(items)) => found = Found { complete: true, end: offset, items, ..found },
            Err(_) => items += 1,
        }
    }
}
