//! What can be wrong with an item, its name, or what it is to hold.

use larder_protocol::ItemId;
use larder_protocol::item::InvalidContentType;
use larder_protocol::item_id::InvalidItemId;
use larder_protocol::metadata::InvalidMetadata;

use crate::web::problem::{Kind, Problem};

/// There is no such item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is no item \"{0}\".")]
pub struct NoSuchItem(pub ItemId);

/// A value of no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The body is empty; a value has at least one byte. To remove an item, send DELETE.")]
pub struct EmptyValue;

/// The item has not reached the state that `Larder-Min-Revision` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The state that Larder-Min-Revision asks for is not reached yet; try again later, or send Prefer: wait=N.")]
pub struct StateNotReached;

impl From<StateNotReached> for Problem {
    fn from(error: StateNotReached) -> Self {
        Self::new(Kind::StateNotReached, error)
    }
}

impl From<NoSuchItem> for Problem {
    fn from(error: NoSuchItem) -> Self {
        Self::new(Kind::NoSuchItem, error)
    }
}

impl From<EmptyValue> for Problem {
    fn from(error: EmptyValue) -> Self {
        Self::new(Kind::EmptyValue, error)
    }
}

impl From<InvalidItemId> for Problem {
    fn from(error: InvalidItemId) -> Self {
        Self::new(Kind::InvalidItemId, format_args!("{error}."))
    }
}

impl From<InvalidContentType> for Problem {
    fn from(error: InvalidContentType) -> Self {
        Self::new(Kind::InvalidContentType, format_args!("{error}."))
    }
}

impl From<InvalidMetadata> for Problem {
    fn from(error: InvalidMetadata) -> Self {
        Self::new(Kind::InvalidMetadata, format_args!("{error}."))
    }
}
