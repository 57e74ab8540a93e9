//! Lists ids: all partitions at once, one command each.

use std::collections::VecDeque;

use futures::future::try_join_all;
use larder_protocol::call::{self, Call, Listing};
use larder_protocol::item::Unreadable;
use larder_protocol::{Head, Partition};

use super::redis::{Redis, RedisError, Reply};
use super::{ReadError, ask, unexpected};

/// What one partition tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// How far it came: it has told everything up to here. `None`: it has no more.
    pub position: Option<Vec<u8>>,
    /// In byte order.
    pub entries: Vec<Entry>,
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An item, and what is known of it where that was asked for and can be read.
    Item(String, Option<Box<Described>>),
    /// Items that share a prefix up to the delimiter.
    Group(String),
}

/// What a listing tells of an item besides its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Where it lives.
    pub partition: Partition,
    /// Its header block.
    pub head: Head,
    /// The size of its value, in bytes.
    pub size: u64,
}

/// What each partition tells of `listing` (`list.lua`).
///
/// # Errors
/// [`ReadError`], after the second try.
pub async fn list(redis: &impl Redis, listing: &Listing<'_>) -> Result<Vec<Part>, ReadError> {
    try_join_all(Partition::all().map(async |p| {
        let call = call::list(p, listing);
        part(p, &call, ask(redis, &call).await?, listing.heads)
    }))
    .await
}

fn part(partition: Partition, call: &Call, reply: Vec<Reply>, heads: bool) -> Result<Part, ReadError> {
    let mut reply = VecDeque::from(reply);
    let (Some(Reply::Bytes(position)), Some(Reply::Bytes(lines))) = (reply.pop_front(), reply.pop_front()) else {
        return Err(unexpected(call, reply.make_contiguous()).into());
    };
    let mut entries = Vec::new();
    for line in String::from_utf8_lossy(&lines).lines() {
        let entry = match (line.split_at_checked(1), heads) {
            (Some(("g", group)), _) => Entry::Group(group.to_owned()),
            (Some(("i", id)), false) => Entry::Item(id.to_owned(), None),
            (Some(("i", id)), true) => Entry::Item(id.to_owned(), described(partition, &mut reply)?.map(Box::new)),
            _ => return Err(RedisError::Unexpected(format!("{}: a line {line:?}", call.script.name)).into()),
        };
        entries.push(entry);
    }
    Ok(Part { position: (!position.is_empty()).then_some(position), entries })
}

/// The header block and the size of a value that a script answers next; `None` where there is no item, or what is there is
/// none: something else wrote to its key, which is no reason to say nothing of the others.
pub fn described(partition: Partition, reply: &mut VecDeque<Reply>) -> Result<Option<Described>, ReadError> {
    let (Some(Reply::Bytes(head)), Some(Reply::Int(size))) = (reply.pop_front(), reply.pop_front()) else {
        return Err(RedisError::Unexpected("not a header block and a size for each item".to_owned()).into());
    };
    match Head::parse(&head) {
        Ok(head) => Ok(Some(Described { partition, head, size: size.unsigned_abs() })),
        Err(Unreadable::Malformed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
