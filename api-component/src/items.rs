//! One item: reading and writing it, and the forms in which it comes and goes.
//!
//! This room knows the store and what hangs on a write, and nothing of many items at once.

pub mod document;
pub mod envelope;
mod error;
mod metadata;
pub mod patch;
pub mod read;
mod terms;
pub mod write;

pub use error::{EmptyValue, NoSuchItem, StateNotReached};
