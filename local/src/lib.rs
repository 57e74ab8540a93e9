//! The component on one machine, without Spin.
//!
//! Two layers: [`spin`] reads the application as Spin would, and [`runtime`] runs its component on wasmtime as Spin
//! would. Whoever wants the whole of Larder has `larder_system` start this beside Redis and the worker.

pub mod embedded;
pub mod runtime;
pub mod spin;
