//! Larder's processes, started and stopped as a whole or one by one.
//!
//! `larder-local up` and the tests are made of the same pieces: [`RedisServer`],
//! [`WorkerProcess`] and [`ApiProcess`] are each a supervised [`Process`], and a [`System`] is all
//! of them, its [`Redis`] one server or a cluster, on ports and in a folder of their own. Every piece is killed when it
//! is dropped, so that a failing test leaves nothing behind.
//!
//! The programs are those that `make build` made; none is part of this crate. So the tests do not carry wasmtime.

mod api;
mod artifacts;
mod builder;
mod client;
mod data;
mod log;
mod port;
mod process;
mod prometheus;
mod redis;
mod running;
mod wasi;
mod worker;

pub use self::api::{ApiProcess, ApiSettings, Runtime};
pub use self::artifacts::{built, workspace_root};
pub use self::builder::SystemBuilder;
pub use self::client::http_client;
pub use self::data::DataFolder;
pub use self::log::Output;
pub use self::port::Port;
pub use self::process::{Exited, Process};
pub use self::prometheus::Prometheus;
pub use self::redis::{Clock, Failover, Redis, RedisCluster, RedisProgram, RedisSentinel, RedisServer, Topology};
pub use self::running::{Death, System};
pub use self::wasi::Wasi;
pub use self::worker::WorkerProcess;
