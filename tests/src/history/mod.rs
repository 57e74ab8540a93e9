//! The history check: whether what concurrent clients saw, while parts of the system died, is
//! what one item after another, changed by one write after another, would have shown them.
//!
//! A [`workload`] of many clients records each [`Operation`] with its invocation, completion and
//! answer; the [`nemesis`] kills and pauses processes meanwhile. Then [`settle`] heals, drains
//! and asks what became of each write, and [`check`] judges:
//!
//! 1. [`facts`]: does every answer fit every other, taken one by one: outcomes, values, revisions.
//! 2. [`order`]: do revisions rise in real time, do reads never go back, is the end the last
//!    write's.
//! 3. [`checker`] with [`model`]: is there, for each item, one order of all operations that
//!    explains all answers (linearizability, after Wing & Gong 1993, with the memory of Lowe
//!    2017).
//!
//! Beside the clients a [`Follower`] reads the feed of changes; [`check_feed`] judges whether it was told
//! what happened, all of it and once.
//!
//! What the commit script does to an item is what is linearized. A write that waited is committed
//! between its invocation and its completion. One that did not is committed at some time after
//! its invocation, and before the first answer that shows that a later revision of its partition
//! is. A plain read is one `GET` on one Redis, so it is linearizable too, and is in the search:
//! "eventually consistent" only says that a write answered with 202 may not be in it yet.

mod check;
pub mod checker;
mod client;
mod committer;
pub mod facts;
pub mod failover;
mod feed;
pub mod model;
pub mod nemesis;
mod operation;
mod order;
mod settle;
mod workload;

pub use check::{Report, check};
pub use client::{Client, Clock};
pub use committer::Committer;
pub use feed::{Follower, Told, check_feed};
pub use operation::{Answer, Call, Change, Condition, Fate, History, Operation};
pub use settle::settle;
pub use workload::{Workload, items};
