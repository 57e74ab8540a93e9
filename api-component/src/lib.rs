//! What the Wasm component of Larder does: HTTP in, Redis out.
//!
//! One [`handler`], generic over a small asynchronous [`redis::Redis`], answers every request. A
//! thin shell around it speaks to the host: `wasip3/` for WASI 0.3, `wasip2/` for WASI 0.2. They
//! are crates of their own, and are compiled for Wasm only; so the handler builds, lints and is
//! unit-tested natively, and knows of neither.
//!
//! The component keeps no state but its Redis connection. It reads items with one `GET`, and
//! hands writes to `accept.lua`; it never applies one itself.
//!
//! Its rooms, each of which imports only those before it (a test holds that):
//!
//! - [`web`]: what HTTP means here, and nothing of items
//! - [`access`]: tokens and what they permit
//! - [`config`]: what the operator decides
//! - [`store`]: what the handler does in Redis, and the trait by which it reaches it
//! - `context`: what a request to items has to hand
//! - `writes`: what hangs on a write, and what became of it
//! - `items`: one item
//! - `many`: listing and bulk
//! - [`service`]: health, the API's own description, and the console
//! - [`route`] and [`handler`], which put them together

pub mod access;
pub mod config;
mod context;
pub mod handler;
mod items;
mod many;
pub mod route;
pub mod service;
pub mod store;
pub mod web;
mod writes;
