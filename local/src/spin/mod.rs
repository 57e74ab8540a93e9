//! Reads a Spin application as Spin would, and refuses what Spin would refuse.
//!
//! The point of running without Spin is that what passes here passes there. So the manifest is
//! read strictly: an unknown key, an undeclared variable or a malformed host is an error at
//! start, with what would be right. What Spin knows and this runtime cannot do is refused as
//! well, and the message says which of the two it is.

pub mod allowed_hosts;
mod application;
mod build;
mod manifest;
pub mod names;
mod plain;
pub mod route;
pub mod runtime_config;
mod template;
mod variables;

pub use application::Application;
