//! What HTTP means here, and nothing of items: this room imports no other.
//!
//! Heads and bodies within their limits, queries, JSON, preferences, CORS, and the document by which
//! a client hears of a problem.

pub mod body;
pub mod cors;
pub mod head;
pub mod header;
pub mod json;
pub mod preference;
pub mod problem;
pub mod query;
pub mod timestamp;
