//! Many items in one request: `POST /items` writes, `POST /items/get` reads.
//!
//! A bulk request saves round trips and nothing else. It is no transaction: each of its parts is
//! done or refused on its own, and has a result of its own in the answer, in the same order. What
//! belongs to one partition goes to Redis in one command, all partitions at once.

mod form;
mod operation;
mod read;
mod result;
mod write;

use std::collections::BTreeMap;

use larder_protocol::{ItemId, Partition};

pub use read::post as read;
pub use write::post as write;

/// The parts of a request, each with its number, by the partition of their ids.
fn by_partition<T>(parts: Vec<(usize, T)>, id: impl Fn(&T) -> &ItemId) -> BTreeMap<Partition, Vec<(usize, T)>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for (number, part) in parts {
        partitions.entry(Partition::of(id(&part))).or_default().push((number, part));
    }
    partitions
}
