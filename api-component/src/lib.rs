//! What the Wasm component of Larder does: HTTP in, Redis out.
//!
//! One [`handler`], generic over a small asynchronous [`redis::Redis`], answers every request. A
//! thin shell around it speaks to the host: `wasip3/` for WASI 0.3, `wasip2/` for WASI 0.2. They
//! are crates of their own, and are compiled for Wasm only; so the handler builds, lints and is
//! unit-tested natively, and knows of neither.
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
mod json;
mod listing;
mod metadata;
pub mod openapi;
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
