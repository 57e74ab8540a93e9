//! The Wasm component of Larder: HTTP in, Redis out.
//!
//! One [`handler`], generic over a small asynchronous [`redis::Redis`], answers every request;
//! a thin shell around it speaks to the host. The shell is compiled for Wasm only, so the
//! handler builds, lints and is unit-tested natively, and a second shell for another version
//! of WASI needs no change in it.
//!
//! The component keeps no state but its Redis connection. It reads items with one `GET`, and
//! hands writes to `accept.lua`; it never applies one itself.

pub mod access;
mod body;
mod bulk;
pub mod config;
pub mod cors;
mod envelope;
pub mod handler;
mod head;
pub mod header;
mod health;
mod idempotency;
mod item_document;
mod item_read;
mod item_write;
mod listing;
mod metadata;
mod ndjson;
mod precondition;
mod preference;
pub mod problem;
mod query;
pub mod redis;
pub mod route;
mod sent;
mod store;
mod timestamp;
mod write_outcome;

#[cfg(target_family = "wasm")]
mod wasip3;
