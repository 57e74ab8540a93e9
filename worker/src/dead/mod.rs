//! The dead letters in Redis: for `larder-worker dead`, and for the control server.
//!
//! It needs no running worker, only Redis, and may be used while everything runs. What is done with the letters
//! is in `larder-operator`.

mod store;

pub use store::Store;

use crate::connection::RedisSettings;

/// Does what `command` says.
pub async fn run(command: &larder_operator::dead::DeadCommand, settings: &RedisSettings) -> anyhow::Result<()> {
    larder_operator::dead::run(command, &Store::open(settings).await?).await
}
