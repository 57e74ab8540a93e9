//! `larder-worker dead`: what an operator does with the writes that could never be applied.
//!
//! It needs no running worker, only Redis, and may be used while everything runs. It reads the
//! dead letters page by page, so it does not matter how many there are; what `--all` means is
//! settled when it starts, so that letters which die meanwhile, or die again, are not touched.

mod arguments;
mod drop;
mod letter;
mod list;
mod retry;
mod show;
mod store;
mod targets;
mod text;

use std::io;

pub use arguments::DeadCommand;

use crate::connection::RedisSettings;
use store::Store;

/// Does what `command` says.
pub async fn run(command: &DeadCommand, settings: &RedisSettings) -> anyhow::Result<()> {
    let store = Store::open(settings).await?;
    match command {
        DeadCommand::List(arguments) => or_unread(list::run(&store, arguments).await),
        DeadCommand::Show(arguments) => or_unread(show::run(&store, arguments).await),
        DeadCommand::Retry(targets) => retry::run(&store, targets).await,
        DeadCommand::Drop(arguments) => drop::run(&store, arguments).await,
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
