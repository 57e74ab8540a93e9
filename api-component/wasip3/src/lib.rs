//! The component for WASI 0.3: spin-sdk 7, Spin 4.1 and later.
//!
//! All behaviour is in `larder-api`; this crate is its way to the host. Natively it is empty, for
//! a library that exports a component's handler links for WebAssembly only.

#[cfg(target_family = "wasm")]
mod shell;
