//! Why there are no changes to be told.

use crate::web::problem::{Kind, Problem};

/// What is wrong with a feed, or with the cursor in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// What came after the cursor is gone, in part.
    #[error(
        "Changes after this cursor are not kept any more, or were lost with the Redis that kept them. List the items \
         with changes=true, then follow the changes from the cursor that the listing tells."
    )]
    Gone,
    /// There is no feed.
    #[error(
        "This store has no feed of changes: its workers keep none (--changes-kept 0), or none of them has run yet."
    )]
    NoFeed,
    /// A text that is no cursor.
    #[error(
        "The cursor is not one of a feed of changes. Leave it out to follow from now on; 0 is the oldest change kept."
    )]
    InvalidCursor,
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        let kind = match error {
            FeedError::Gone => Kind::ChangesGone,
            FeedError::NoFeed => Kind::NoFeed,
            FeedError::InvalidCursor => Kind::InvalidCursor,
        };
        Self::new(kind, error)
    }
}
