//! All items with a prefix, with their values.

use futures::stream::{Stream, TryStreamExt as _};

use super::{Client, Item, Wanted};
use crate::failure::Failure;

/// Ids on a page: their values are in memory all together, so they are few.
const PAGE: usize = 250;

/// Pages that are read at once.
const AT_ONCE: usize = 4;

/// The items of a page.
pub struct Items {
    pub items: Vec<Item>,
    /// Where the next page begins; `None` behind the last.
    pub cursor: Option<String>,
}

impl Client {
    /// The items behind `cursor`, a page at a time, in the order of the bytes of their ids.
    ///
    /// What is deleted meanwhile may be there or not. Ends with the first [`Failure`].
    pub fn whole(&self, prefix: &str, cursor: Option<String>) -> impl Stream<Item = Result<Items, Failure>> + use<'_> {
        let wanted = Wanted { prefix: prefix.to_owned(), limit: PAGE, ..Wanted::default() };
        let pages = self.pages(wanted, cursor);
        let read = pages.map_ok(async |page| {
            let ids = page.items.into_iter().map(|item| item.id).collect();
            Ok(Items { items: self.read_many(ids).await?, cursor: page.cursor })
        });
        read.try_buffered(AT_ONCE)
    }
}
