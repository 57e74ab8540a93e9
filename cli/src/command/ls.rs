//! `larder ls`.

use std::io::{self, BufWriter, Write};
use std::time::{Duration, SystemTime};

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use futures::stream::TryStreamExt as _;
use indicatif::{BinaryBytes, HumanCount};

use crate::client::{Entry, Known, Listed, Wanted};
use crate::settings::Settings;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Ls {
    /// Only ids that start with this. All by default.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// A table with size, age, end and type of each.
    #[arg(short, long)]
    long: bool,

    /// Tell ids that have this behind the prefix as one, up to it, as folders: /, say.
    #[arg(long, value_name = "TEXT")]
    delimiter: Option<String>,

    /// The tree of the ids, which the delimiter (/ by default) parts.
    #[arg(long, conflicts_with_all = ["long", "keys_only"])]
    tree: bool,

    /// Ids and nothing else, one per line; with --json a string per line.
    #[arg(long, conflicts_with = "long")]
    keys_only: bool,

    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
}

impl Ls {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let client = settings.client()?;
        let known = self.long || settings.json() && !self.keys_only;
        let delimiter = if self.tree { None } else { self.delimiter.clone() };
        let wanted = Wanted { prefix: self.prefix.clone(), delimiter, known, limit: self.limit, ..Wanted::default() };
        let (mut left, mut last) = (self.limit, String::new());
        let mut out = BufWriter::new(io::stdout());
        let pages = client.pages(wanted, None);
        let mut pages = std::pin::pin!(pages);
        while left > 0
            && let Some(page) = pages.try_next().await?
        {
            let mut entries = page.entries();
            entries.truncate(left);
            left -= entries.len();
            if self.tree && !settings.json() {
                for entry in &entries {
                    branch(&mut out, &last, entry.name(), self.delimiter.as_deref().unwrap_or("/"))?;
                    last = entry.name().to_owned();
                }
            } else if self.long && !settings.json() {
                // Page by page: nobody waits for a million rows to learn how wide they are.
                write!(out, "{}", table(&entries))?;
            } else {
                entries.iter().try_for_each(|entry| self.line(&mut out, entry, settings))?;
            }
            out.flush()?;
        }
        Ok(())
    }

    fn line(&self, out: &mut impl Write, entry: &Entry, settings: &Settings) -> anyhow::Result<()> {
        match (settings.json(), self.keys_only) {
            (true, true) => writeln!(out, "{}", terminal::json(&entry.name())?)?,
            (true, false) => writeln!(out, "{}", terminal::json(entry)?)?,
            (false, _) => writeln!(out, "{}", terminal::line(entry.name()))?,
        }
        Ok(())
    }
}

/// What of an id is not on the branch of the one before it, each part on a line.
fn branch(out: &mut impl Write, last: &str, id: &str, delimiter: &str) -> io::Result<()> {
    let parts: Vec<_> = id.split_inclusive(delimiter).collect();
    let same = last.split_inclusive(delimiter).zip(&parts).take_while(|(a, b)| a == *b).count();
    for (depth, part) in parts.iter().enumerate().skip(same) {
        writeln!(out, "{}{}", "  ".repeat(depth), terminal::line(part))?;
    }
    Ok(())
}

fn table(entries: &[Entry]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.add_rows(entries.iter().map(|entry| match entry {
        Entry::Group { prefix } => ["-".to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned(), shown(prefix)],
        Entry::Item(item) => row(item),
    }));
    if let Some(size) = table.column_mut(0) {
        size.set_cell_alignment(CellAlignment::Right);
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

fn row(item: &Listed) -> [String; 5] {
    let size = item.size.map_or_else(String::new, |size| BinaryBytes(size).to_string());
    let Some(known) = &item.known else { return [size, String::new(), String::new(), String::new(), shown(&item.id)] };
    let now = SystemTime::now();
    let age = time(&known.modified).and_then(|at| now.duration_since(at).ok()).map_or_else(String::new, short);
    [size, age, end(known, now), shown(&known.content_type), shown(&item.id)]
}

/// In how long it ends.
fn end(known: &Known, now: SystemTime) -> String {
    match known.expires.as_deref().and_then(time) {
        None => "-".to_owned(),
        Some(end) => end.duration_since(now).map_or_else(|_| "over".to_owned(), |left| format!("in {}", short(left))),
    }
}

/// The largest unit of a time is enough to judge it by.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", HumanCount(seconds / 86_400)),
    }
}

fn time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

fn shown(text: &str) -> String {
    terminal::line(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_tells_each_branch_once() {
        let mut out = Vec::new();
        let ids = ["a", "fruit/apple", "fruit/citrus/lime", "fruit/citrus/orange", "fruits"];
        for (last, id) in [""].iter().chain(&ids).zip(&ids) {
            branch(&mut out, last, id, "/").unwrap();
        }
        let tree = "a\nfruit/\n  apple\n  citrus/\n    lime\n    orange\nfruits\n";
        assert_eq!(String::from_utf8(out).unwrap(), tree);
    }

    #[test]
    fn times_are_told_by_their_largest_unit() {
        for (seconds, told) in [(0, "0s"), (59, "59s"), (61, "1m"), (7_200, "2h"), (200_000, "2d")] {
            assert_eq!(short(Duration::from_secs(seconds)), told);
        }
    }
}
