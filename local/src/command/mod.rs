//! The subcommands of `larder-local`.

mod listen;
mod metrics;
pub mod serve;
mod source;
pub mod stop;
pub mod up;
