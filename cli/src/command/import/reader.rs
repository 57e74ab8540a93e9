//! Reads an export in batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context as _;

use crate::client::Item;
use crate::command::export::{FORM, Head, Mark};
use crate::failure::Failure;

/// Items of a batch at most.
const MAX_ITEMS: usize = 500;

/// Bytes of a batch at most, as they stand in the file: half of what a bulk request may have, as a value may become
/// longer on its way.
const MAX_BYTES: usize = larder_protocol::limits::MAX_BULK_BYTES / 2;

/// Items that are sent together.
pub struct Batch {
    pub items: Vec<Item>,
    /// Where in the file it ends.
    pub end: u64,
    bytes: usize,
}

/// A reader of an export.
pub struct Reader {
    lines: Box<dyn BufRead>,
    size: Option<u64>,
    prefix: String,
    offset: u64,
    line: u64,
    /// A line that did not fit into the batch before.
    kept: Option<(Item, usize)>,
    /// It began as exports do, so it has to end as they do.
    is_export: bool,
    is_complete: bool,
}

impl Batch {
    /// The ids of its items.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.id.as_str())
    }

    /// It is one item that may be too large for a bulk request.
    pub fn is_large(&self) -> bool {
        self.bytes > MAX_BYTES
    }
}

impl Reader {
    /// Opens a file, or stdin, where an earlier import has come to. Only ids with the prefix are read.
    pub fn open(path: &Path, offset: u64, prefix: &str) -> anyhow::Result<Self> {
        let (lines, size, is_export): (Box<dyn BufRead>, _, _) = if path == Path::new("-") {
            (Box::new(BufReader::new(io::stdin())), None, false)
        } else {
            let context = || format!("cannot read {}", path.display());
            let mut file = File::open(path).with_context(context)?;
            let size = file.metadata().with_context(context)?.len();
            let mut first = Vec::new();
            BufReader::new(&file).read_until(b'\n', &mut first).with_context(context)?;
            file.seek(SeekFrom::Start(offset)).with_context(context)?;
            (Box::new(BufReader::new(file)), Some(size), serde_json::from_slice::<Head>(&first).is_ok())
        };
        let prefix = prefix.to_owned();
        Ok(Self { lines, size, prefix, offset, line: 0, kept: None, is_export, is_complete: false })
    }

    /// How many bytes there are, if that is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Once all is read: whether that was the whole export. Lines that somebody wrote by hand have no end.
    pub fn is_complete(&self) -> bool {
        self.is_complete || !self.is_export
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// A line that is no item.
    pub fn next(&mut self) -> anyhow::Result<Option<Batch>> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        while items.len() < MAX_ITEMS {
            let before = self.offset;
            let Some((item, length)) = self.item()? else { break };
            if !items.is_empty() && bytes + length > MAX_BYTES {
                self.kept = Some((item, length));
                return Ok(Some(Batch { items, bytes, end: before }));
            }
            bytes += length;
            items.push(item);
        }
        Ok((!items.is_empty()).then_some(Batch { items, bytes, end: self.offset }))
    }

    /// The next item that is wanted, and how long its line is.
    pub fn item(&mut self) -> anyhow::Result<Option<(Item, usize)>> {
        if let Some(kept) = self.kept.take() {
            return Ok(Some(kept));
        }
        let mut text = Vec::new();
        loop {
            text.clear();
            let length = self.lines.read_until(b'\n', &mut text).context("cannot read on")?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            if text.last() != Some(&b'\n') && serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_err() {
                // Whoever wrote it was interrupted.
                self.is_export = true;
                return Ok(None);
            }
            self.offset += length as u64;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let wrong = match serde_json::from_slice::<Item>(&text) {
                Ok(item) if item.id.starts_with(&self.prefix) => return Ok(Some((item, length))),
                Ok(_) => continue,
                Err(wrong) => wrong,
            };
            if let Ok(mark) = serde_json::from_slice(&text) {
                self.is_complete |= matches!(mark, Mark::Complete(_));
                continue;
            }
            match serde_json::from_slice::<Head>(&text) {
                Ok(head) if head.larder_export == FORM => self.is_export = true,
                Ok(head) => {
                    let form = head.larder_export;
                    let why = format!("this is an export of the form {form}, and this larder reads the form {FORM}");
                    return Err(Failure::Usage(why).into());
                }
                Err(_) => {
                    anyhow::bail!("line {} behind byte {} is no item: {wrong}", self.line, self.offset - length as u64)
                }
            }
        }
    }
}
