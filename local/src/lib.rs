//! Larder on one machine, without Spin and without a cluster.
//!
//! Three layers, each usable without the next: [`spin`] reads the application as Spin would,
//! [`runtime`] runs its component on wasmtime as Spin would, and [`system`] starts everything
//! that a Larder is made of, for `larder-local up` and for the tests.

pub mod runtime;
pub mod spin;
pub mod system;
