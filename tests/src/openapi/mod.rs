//! The OpenAPI document as a contract: finds the operation of a request in it, and says where an
//! answer is not as documented.
//!
//! Every answer that a [`Larder`](crate::Larder) under test gives is held against it, whichever
//! test asked. The test `openapi` does the rest: it sends the document's own examples, and
//! compares the document with the code.

mod answer;
mod document;
mod schema;
mod witness;

pub use answer::parse;
pub use document::{Document, Node, Operation};
pub use witness::witness;
