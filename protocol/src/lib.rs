//! What the component and the worker agree on: the contract with the data on disk.
//!
//! Everything here is a pure function or a constant, so that both sides, the tests and the
//! documents share one truth: how an id finds its [`Partition`], what a [`Revision`] is, which
//! [`keys`] exist, how an [`Item`] and a [`Write`] look in Redis, the [`scripts`] that are the
//! only code that changes them, what is configured of an access [`token`], and the [`TraceParent`] of a request. Changing a golden vector in these tests means a new
//! [`format`].

pub mod call;
pub mod format;
pub mod item;
pub mod item_id;
pub mod keys;
pub mod limits;
pub mod metadata;
pub mod outcome;
pub mod partition;
pub mod revision;
pub mod scripts;
pub mod timestamp;
pub mod token;
pub mod trace_parent;
pub mod write;

pub use call::Call;
pub use format::OtherFormat;
pub use item::{Content, Head, Item};
pub use item_id::ItemId;
pub use metadata::Metadata;
pub use outcome::{NotAdded, Outcome};
pub use partition::Partition;
pub use revision::{Revision, StreamId};
pub use scripts::Script;
pub use trace_parent::TraceParent;
pub use write::{Condition, Operation, Revisions, Write};
