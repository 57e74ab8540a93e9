//! What an operator does with tokens and dead letters, whichever program takes the command.
//!
//! `larder-worker` and `larder` have these commands in common: the arguments, what is printed and what is asked
//! are here once. Where the dead letters are is left to [`dead::Letters`]: the worker finds them in Redis, the
//! command line at a worker's control server.

pub mod dead;
pub mod text;
pub mod token;
