//! What HTTP means here, and nothing of items: this room imports no other.
//!
//! Heads and bodies within their limits, queries, JSON, preferences, CORS, the document by which
//! a client hears of a problem, and the log by which the operator does.

pub mod body;
pub(crate) mod coding;
pub mod cors;
pub mod head;
pub mod header;
pub mod json;
pub mod log;
pub mod preference;
pub mod problem;
pub mod query;
