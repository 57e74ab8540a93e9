//! Runs the component of an application on wasmtime, as Spin does, and serves it over HTTP.
//!
//! wasmtime's `ProxyHandler` is the heart of Spin's HTTP trigger too: it hands requests to
//! instances that are kept and shared ([`reuse`]). Around it are the interfaces that the
//! component imports ([`redis`], [`variables`], WASI in [`instance`]) and an HTTP server
//! ([`server`]). To run WASI 0.2 components one day, add their `fermyon:spin` interfaces to the
//! linker in [`engine`] and choose `ProxyPre::P2` there; nothing else knows the difference.

mod bindings;
mod engine;
mod instance;
mod redis;
mod redis_reply;
mod reuse;
pub mod server;
mod variables;

pub use server::Server;
