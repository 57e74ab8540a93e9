//! `dead drop`. Dropping all of them cannot be undone, so somebody has to have meant it.

use std::io::{self, IsTerminal, Write};

use anyhow::bail;

use super::arguments::Drop;
use super::letters::Letters;
use super::targets::{Change, change_each, everything};

pub async fn run(letters: &impl Letters, arguments: &Drop) -> anyhow::Result<()> {
    let all = if arguments.targets.all { everything(letters).await? } else { vec![] };
    if !all.is_empty() && !arguments.yes {
        confirm(all.iter().map(|snapshot| snapshot.count).sum())?;
    }
    change_each(letters, &arguments.targets, &all, async |name| {
        if !letters.remove(name).await? {
            return Ok(Change::Absent);
        }
        writeln!(io::stdout(), "{name} dropped")?;
        Ok(Change::Made)
    })
    .await
}

fn confirm(count: u64) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nothing was dropped: without a terminal to ask on, --all needs --yes");
    }
    eprint!("Drop {count} dead letters for good? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was dropped"),
    }
}
