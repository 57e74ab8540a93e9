//! What the service says of itself: whether it is well, and what its API is; and a page for people.

pub mod console;
pub(crate) mod health;
pub mod openapi;
