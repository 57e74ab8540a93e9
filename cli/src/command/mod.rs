//! The commands.

pub mod bench;
pub mod completions;
pub mod context;
pub mod cp;
mod dead;
pub mod diff;
pub mod edit;
pub mod export;
pub mod get;
pub mod import;
pub mod ls;
pub mod man;
pub mod put;
pub mod rm;
pub mod status;
pub mod top;
pub mod watch;

use larder_operator::token;
use larder_protocol::ItemId;

use crate::cli::Command;
use crate::settings::Settings;

/// Does what `command` says.
pub async fn run(command: Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::Get(get) => get.run(&settings).await,
        Command::Put(put) => put.run(&settings).await,
        Command::Rm(rm) => rm.run(&settings).await,
        Command::Ls(ls) => ls.run(&settings).await,
        Command::Cp(cp) => cp.run(&settings).await,
        Command::Edit(edit) => edit.run(&settings).await,
        Command::Watch(watch) => watch.run(&settings).await,
        Command::Export(export) => export.run(&settings).await,
        Command::Import(import) => import.run(&settings).await,
        Command::Diff(diff) => diff.run(&settings).await,
        Command::Bench(bench) => bench.run(&settings).await,
        Command::Status(status) => status.run(&settings).await,
        Command::Top(top) => top.run(&settings).await,
        Command::Token(command) => {
            token::run(&command, settings.bearer()?.as_ref().map(crate::settings::Token::secret))
        }
        Command::Dead(command) => dead::run(&command, &settings).await,
        Command::Context(command) => command.run(&settings),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// An id on the command line.
fn item_id(text: &str) -> Result<ItemId, String> {
    ItemId::new(text).map_err(|error| error.to_string())
}
