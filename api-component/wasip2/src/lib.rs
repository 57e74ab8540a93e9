//! The component for WASI 0.2: spin-sdk 5.2, every Spin since 3.0, and so every SpinKube of today.
//!
//! All behaviour is in `larder-api`; this crate is its way to the host. Natively it is empty, for
//! a library that exports a component's handler links for WebAssembly only.

#[cfg(target_family = "wasm")]
mod shell;
