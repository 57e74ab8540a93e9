//! `larder dead`: what `larder-worker dead` does, by way of a worker.

use larder_operator::dead::{self, DeadCommand};

use crate::settings::Settings;

/// Does what `command` says.
pub async fn run(command: &DeadCommand, settings: &Settings) -> anyhow::Result<()> {
    let place = settings.place()?;
    let control = match command {
        DeadCommand::List(_) | DeadCommand::Show(_) => place.control()?,
        DeadCommand::Retry(_) | DeadCommand::Drop(_) => {
            let control = place.writable()?.control()?;
            eprintln!("At the worker {}", control.base());
            control
        }
    };
    dead::run(command, &control).await
}
