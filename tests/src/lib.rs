//! What the tests of Larder share: a deployment to speak HTTP to, and a Redis of their own.
//!
//! A test that only speaks HTTP takes [`Larder::start`], which is a system of its own on free
//! ports, or the deployment that `LARDER_URL` names (`LARDER_TOKEN` is the token for it). A test that stops and starts processes
//! takes [`Larder::own`], which is skipped where `LARDER_URL` is set. With `LARDER_CLUSTER=3` the Redis
//! of both is a cluster of three masters.

mod aof;
mod collector;
mod direct;
mod doorbell;
pub mod history;
mod larder;
pub mod openapi;
mod redis_alone;
mod worker;

pub use aof::{Aof, Command, Step};
pub use collector::{Collector, Span};
pub use direct::Direct;
pub use doorbell::Doorbell;
pub use larder::{Larder, eventually, http};
pub use redis_alone::RedisAlone;
pub use worker::Worker;
