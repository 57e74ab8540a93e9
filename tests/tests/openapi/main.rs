//! The OpenAPI document and the system say the same.
//!
//! The document is written by hand. Here its examples are sent to a running system (`drive`), or
//! to one in trouble where that is what they are about (`trouble`), and each answer has to be
//! the documented one. What the code can tell of itself is compared with the document, both ways
//! (`code`, `problems`, `limits`, `access`), and the document with itself (`document`); `serve` is how it comes. `witness` in `larder_tests::openapi` adds
//! to this all the answers that all other tests get.

mod access;
mod alike;
mod ask;
mod code;
mod document;
mod drive;
mod example;
mod limits;
mod problems;
mod serve;
mod trouble;

/// What every test here returns.
type Tested = anyhow::Result<()>;
