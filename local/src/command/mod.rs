//! The subcommands of `larder-local`.

mod listen;
pub mod serve;
pub mod stop;
pub mod up;
