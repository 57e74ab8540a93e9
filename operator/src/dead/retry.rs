//! `dead retry`. Letters go back one by one, so that commits and other writes go on in between.

use std::io::{self, Write};

use super::arguments::Targets;
use super::letters::{Letters, Retried};
use super::targets::{Change, change_each, everything};

pub async fn run(letters: &impl Letters, targets: &Targets) -> anyhow::Result<()> {
    let all = if targets.all { everything(letters).await? } else { vec![] };
    change_each(letters, targets, &all, async |name| {
        Ok(match letters.retry(name).await? {
            Retried::As(revision) => {
                writeln!(io::stdout(), "{name} retried as {revision}")?;
                Change::Made
            }
            Retried::Absent => Change::Absent,
            Retried::Unfit(reason) => Change::Impossible(reason),
        })
    })
    .await
}
