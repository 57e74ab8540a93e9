//! `dead list`. It prints while it reads: columns have fixed widths, so no row waits for another.

use std::io::{self, Write};

use larder_protocol::timestamp;
use serde::Serialize;

use super::arguments::List;
use super::letter::Letter;
use super::letters::{Letters, each_page};
use crate::text;

/// A letter as one line of JSON. What is not UTF-8 has replacement characters.
#[derive(Serialize)]
struct Row {
    name: String,
    partition: usize,
    died: String,
    revision: Option<String>,
    op: Option<String>,
    id: Option<String>,
    reason: Option<String>,
}

/// Longest id that is printed whole in the table.
const ID_WIDTH: usize = 32;

pub async fn run(letters: &impl Letters, arguments: &List) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let snapshots = letters.snapshots(arguments.partition).await?;
    if !arguments.json {
        match snapshots.is_empty() {
            true => writeln!(out, "No dead letters.")?,
            false => writeln!(out, "{}", line("NAME", "DIED", "REVISION", "OP", "ITEM", "REASON"))?,
        }
    }
    for snapshot in &snapshots {
        let rows = async |page: &[Letter]| {
            for letter in page {
                let row = if arguments.json {
                    text::escaped_json(&serde_json::to_string(&json(letter))?)
                } else {
                    table(letter)
                };
                writeln!(out, "{row}")?;
            }
            Ok(())
        };
        each_page(letters, snapshot, rows).await?;
    }
    Ok(())
}

fn json(letter: &Letter) -> Row {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Row {
        name: letter.name.to_string(),
        partition: letter.name.partition.index(),
        died: timestamp::rfc3339(letter.name.id.ms),
        revision: letter.full_revision(),
        op: text(letter.field("op")),
        id: text(letter.field("id")),
        reason: text(letter.reason()),
    }
}

fn table(letter: &Letter) -> String {
    let text = |bytes: Option<&[u8]>, most| match bytes {
        None | Some(b"") => "-".to_owned(),
        Some(bytes) => text::cut(&text::escaped(bytes), most),
    };
    let revision = letter.full_revision();
    line(
        &letter.name.to_string(),
        &timestamp::rfc3339(letter.name.id.ms),
        &text(revision.as_deref().map(str::as_bytes), 24),
        &text(letter.field("op"), 8),
        &text(letter.field("id"), ID_WIDTH),
        &text(letter.reason(), 120),
    )
}

fn line(name: &str, died: &str, revision: &str, op: &str, item: &str, reason: &str) -> String {
    format!("{name:<20}  {died:<24}  {revision:<20}  {op:<8}  {item:<ID_WIDTH$}  {reason}")
}
