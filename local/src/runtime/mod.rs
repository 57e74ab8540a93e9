//! Runs the component of an application on wasmtime, as Spin does, and serves it over HTTP.
//!
//! wasmtime's `ProxyHandler` is the heart of Spin's HTTP trigger too: it hands requests to
//! instances that are kept and shared ([`reuse`]). Around it are the interfaces that the
//! component imports ([`redis`], [`variables`], WASI in [`instance`]) and an HTTP server
//! ([`server`]), and where it is wanted OpenTelemetry is told ([`observe`]). All of it runs once for each core. A
//! component of WASI 0.2 imports older versions of the interfaces, and gets an instance per request; [`engine`] sees
//! which of the two a component is.

mod alone;
mod bindings;
mod engine;
mod instance;
mod observe;
mod redis;
mod reuse;
pub mod server;
mod variables;

pub use alone::Alone;
pub use observe::Observer;
pub use server::Server;
