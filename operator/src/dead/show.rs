//! `dead show`.

use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context, bail};
use larder_protocol::timestamp;

use super::arguments::Show;
use super::letter::Letter;
use super::letters::Letters;
use crate::text;

/// How much of a field is shown, in bytes.
const MOST: usize = 200;

pub async fn run(letters: &impl Letters, arguments: &Show) -> anyhow::Result<()> {
    let name = arguments.name;
    let Some(letter) = letters.letter(name).await? else { bail!("there is no dead letter {name}") };
    let mut out = io::stdout().lock();
    if arguments.value {
        let value = letter.value().with_context(|| format!("the dead letter {name} holds no value"))?;
        if out.is_terminal() {
            writeln!(out, "{}", text::escaped(value))?;
        } else {
            out.write_all(value)?;
        }
    } else {
        out.write_all(described(&letter).as_bytes())?;
    }
    Ok(out.flush()?)
}

fn described(letter: &Letter) -> String {
    let unknown = || "unknown".to_owned();
    let revision = letter.full_revision().map_or_else(unknown, |revision| text::escaped(revision.as_bytes()));
    let reason = letter.reason().map_or_else(unknown, text::escaped);
    let names: Vec<String> = letter.fields.iter().map(|(name, _)| text::cut(&text::escaped(&name.0), 40)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let fields: String = names
        .iter()
        .zip(&letter.fields)
        .map(|(name, (_, value))| format!("  {name:<width$}  {}\n", text::excerpt(&value.0, MOST)))
        .collect();
    format!(
        "name      {}\ndied      {}\nrevision  {revision}\nreason    {reason}\nfields\n{fields}",
        letter.name,
        timestamp::rfc3339(letter.name.id.ms)
    )
}
