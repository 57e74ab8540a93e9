//! `larder edit`.
//!
//! What somebody typed is never lost: it stays in a file until it is stored or, if it cannot be, for good.

use std::fs;
use std::io::IsTerminal as _;
use std::io::{Write as _, stderr, stdin};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use dialoguer::Select;
use larder_operator::text::escaped;
use larder_protocol::{ItemId, Metadata};
use similar::{ChangeTag, TextDiff};
use tempfile::TempPath;

use super::cp::content;
use super::item_id;
use super::put::tell;
use crate::client::{Client, Condition, Content, Item, Written};
use crate::failure::Failure;
use crate::settings::Settings;

/// How long to wait for the outcome: somebody sits there.
const WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub struct Edit {
    /// The id of the item. One that is not there is made.
    #[arg(value_parser = item_id)]
    id: ItemId,

    /// The content type of an item that is not there.
    #[arg(long = "type", value_name = "TYPE", default_value = "text/plain; charset=utf-8")]
    content_type: String,
}

impl Edit {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let client = settings.client_of(&settings.place()?.writable()?)?;
        let mut base = client.find(&self.id).await?;
        let file = self.file(base.as_ref())?;
        loop {
            edit(&file)?;
            let text: Bytes = fs::read(&file).context("cannot read what you edited")?.into();
            if text.is_empty() || base.as_ref().is_some_and(|base| base.value == text) {
                eprintln!("Nothing has changed, so nothing is stored.");
                return Ok(());
            }
            match self.store(&client, base.as_ref(), text.clone()).await {
                Ok(written) => return tell(&self.id, &written, "stored", settings),
                Err(error) if !is_conflict(&error) => return Err(kept(error, file)),
                Err(error) => {
                    let theirs = client.find(&self.id).await?;
                    show_conflict(theirs.as_ref(), &text);
                    match ask() {
                        Some(Next::Edit) => base = theirs,
                        Some(Next::Overwrite) => match self.store(&client, theirs.as_ref(), text).await {
                            Ok(written) => return tell(&self.id, &written, "stored", settings),
                            Err(error) => return Err(kept(error, file)),
                        },
                        Some(Next::Stop) | None => return Err(kept(error, file)),
                    }
                }
            }
        }
    }

    /// A file with the value, whose name lets the editor know what it is.
    fn file(&self, base: Option<&Item>) -> anyhow::Result<TempPath> {
        let content_type = base.map_or(self.content_type.as_str(), |base| &base.known.content_type);
        let plain = content_type.split(';').next().unwrap_or_default().trim();
        let extension = mime_guess::get_mime_extensions_str(plain).and_then(|all| all.first()).unwrap_or(&"txt");
        let extension = if plain == "text/plain" { "txt" } else { extension };
        let mut file = tempfile::Builder::new().prefix("larder-").suffix(&format!(".{extension}")).tempfile()?;
        file.write_all(base.map_or(&[][..], |base| &base.value))?;
        Ok(file.into_temp_path())
    }

    /// Stores the text if the item is still at the revision of `base`, or still not there.
    async fn store(&self, client: &Client, base: Option<&Item>, value: Bytes) -> anyhow::Result<Written> {
        let (content, condition) = match base {
            Some(base) => {
                let content = Content { value, ..content(base.clone())? };
                (content, Condition::At(base.known.revision.parse()?))
            }
            None => {
                let content_type = self.content_type.clone();
                (Content { content_type, value, metadata: Metadata::default(), ttl: None }, Condition::Absent)
            }
        };
        client.put(&self.id, content, condition, WAIT).await
    }
}

/// `$VISUAL` or `$EDITOR`, which may be a command with arguments, as for git.
fn edit(file: &Path) -> anyhow::Result<()> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(file).status();
    let status = status.with_context(|| format!("cannot start the editor {editor:?}"))?;
    anyhow::ensure!(status.success(), "the editor {editor:?} failed ({status}), so nothing is stored");
    Ok(())
}

fn is_conflict(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| match failure {
        Failure::Problem { problem, .. } => problem.status == 412,
        Failure::Condition(_) => true,
        _ => false,
    })
}

/// Leaves the text where it is, and says so.
fn kept(error: anyhow::Error, file: TempPath) -> anyhow::Error {
    match file.keep() {
        Ok(path) => error.context(format!("it is not stored; what you edited is in {}", path.display())),
        Err(lost) => error.context(lost.to_string()),
    }
}

/// Says how the item as it is differs from the text.
fn show_conflict(theirs: Option<&Item>, mine: &[u8]) {
    match theirs {
        None => eprintln!("Somebody else has deleted the item meanwhile."),
        Some(theirs) => {
            eprintln!("Somebody else has changed the item meanwhile. From theirs (-) to yours (+):");
            let (theirs, mine) = (String::from_utf8_lossy(&theirs.value), String::from_utf8_lossy(mine));
            show_diff(&theirs, &mine);
        }
    }
}

fn show_diff(old: &str, new: &str) {
    let painted = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
    let diff = TextDiff::from_lines(old, new);
    for group in diff.grouped_ops(3) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', painted(AnsiColor::Red)),
                ChangeTag::Insert => ('+', painted(AnsiColor::Green)),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let line = escaped(change.value().trim_end_matches(['\r', '\n']).as_bytes());
            anstream::eprintln!("{style}{sign}{line}{style:#}");
        }
    }
}

enum Next {
    Edit,
    Overwrite,
    Stop,
}

/// What to do about a conflict; `None` where nobody can be asked.
fn ask() -> Option<Next> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return None;
    }
    let choices = [
        "edit your text again, on top of theirs",
        "store yours in place of theirs",
        "stop, and keep your text in a file",
    ];
    match Select::new().with_prompt("What now?").items(choices).default(0).interact() {
        Ok(0) => Some(Next::Edit),
        Ok(1) => Some(Next::Overwrite),
        _ => Some(Next::Stop),
    }
}
