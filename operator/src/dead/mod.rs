//! The writes that could never be applied: list, show, retry and drop them.
//!
//! They are read page by page, so it does not matter how many there are. What `--all` means is settled when it
//! starts, so that letters which die meanwhile, or die again, are not touched.

mod arguments;
mod document;
mod drop;
mod letter;
mod letters;
mod list;
mod retry;
mod show;
mod targets;

use std::io;

pub use arguments::DeadCommand;
pub use letter::Letter;
pub use letters::{Letters, Requeued, Retried, Snapshot};

/// Does what `command` says.
///
/// # Errors
/// Those of `letters`; a letter that is not there, or cannot be changed; an answer that says no.
pub async fn run(command: &DeadCommand, letters: &impl Letters) -> anyhow::Result<()> {
    match command {
        DeadCommand::List(arguments) => or_unread(list::run(letters, arguments).await),
        DeadCommand::Show(arguments) => or_unread(show::run(letters, arguments).await),
        DeadCommand::Retry(targets) => retry::run(letters, targets).await,
        DeadCommand::Drop(arguments) => drop::run(letters, arguments).await,
    }
}

/// Whoever reads the output may stop early, as `head` does.
fn or_unread(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error)
            if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}
