//! The least that a component of WASI 0.3 can do, beside Larder in one benchmark: what it takes is the host's.
//!
//! `/hello` answers ten bytes and asks nobody; `/get` answers what one `GET` in Redis gives. No headers, no deadline,
//! no errors told.

#[cfg(target_family = "wasm")]
mod service;
