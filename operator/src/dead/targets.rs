//! Which dead letters a change is to be made to, and what to say of those it could not be made to.

use anyhow::bail;
use larder_protocol::Revision;

use super::arguments::Targets;
use super::letter::Letter;
use super::letters::{Letters, Snapshot, each_page};

/// What came of the change to one letter.
pub enum Change {
    /// It was made.
    Made,
    /// There is no such letter.
    Absent,
    /// It cannot be made, for this reason.
    Impossible(String),
}

/// All that are there now, or nothing, said on stdout.
pub async fn everything(letters: &impl Letters) -> anyhow::Result<Vec<Snapshot>> {
    let snapshots = letters.snapshots(None).await?;
    if snapshots.is_empty() {
        println!("No dead letters.");
    }
    Ok(snapshots)
}

/// Makes a change to each target in turn. One that it cannot be made to does not keep it from
/// the others; all of those are in the error.
pub async fn change_each(
    letters: &impl Letters,
    targets: &Targets,
    all: &[Snapshot],
    mut change: impl AsyncFnMut(Revision) -> anyhow::Result<Change>,
) -> anyhow::Result<()> {
    let mut troubles = Vec::new();
    for &name in &targets.names {
        match change(name).await? {
            Change::Made => {}
            Change::Absent => troubles.push(format!("there is no dead letter {name}")),
            Change::Impossible(reason) => troubles.push(format!("{name} stays: {reason}")),
        }
    }
    for snapshot in all {
        let changes = async |page: &[Letter]| {
            for letter in page {
                // One that is gone by now was somebody else's to change.
                if let Change::Impossible(reason) = change(letter.name).await? {
                    troubles.push(format!("{} stays: {reason}", letter.name));
                }
            }
            Ok(())
        };
        each_page(letters, snapshot, changes).await?;
    }
    if !troubles.is_empty() {
        bail!("{}", troubles.join("; "));
    }
    Ok(())
}
