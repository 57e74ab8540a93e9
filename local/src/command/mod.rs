//! The subcommands of `larder-local`.

mod listen;
mod metrics;
pub mod serve;
pub mod stop;
pub mod up;
