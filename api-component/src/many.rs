//! Many items at once: listing them, and reading and writing them in bulk.
//!
//! This room stands above those of one item and of a write, and uses both.

pub mod bulk;
pub mod listing;
