//! What hangs on a write: its conditions and idempotency key, sending it, waiting for it, and what
//! became of it.
//!
//! This room knows the store and who may ask. It does not know what an item is written from, one
//! request or many, which is why it stands below both.

mod error;
pub mod idempotency;
pub mod outcome;
pub mod precondition;
pub mod sent;

pub use error::{ForeignRevision, PreconditionFailed};
