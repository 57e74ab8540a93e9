//! What the service says of itself: whether it is well, and what its API is.

pub(crate) mod health;
pub mod openapi;
