//! The subcommands of `larder-local`.

pub mod serve;
pub mod stop;
pub mod up;
