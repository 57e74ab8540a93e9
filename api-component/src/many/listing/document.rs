//! How a page looks to the client.

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use crate::items::document::ItemDocument;
use crate::store::{Described, Entry};
use crate::web::json;

#[derive(Serialize)]
struct Document<'a> {
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    #[serde(flatten)]
    known: Option<Known<'a>>,
}

/// What is known of an item, and the size of its value.
#[derive(Serialize)]
pub struct Known<'a> {
    size: u64,
    #[serde(flatten)]
    head: ItemDocument<'a>,
}

/// One line of the answer in JSON lines. Where to follow the changes from is the first; the cursor the last.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Item(Item<'a>),
    Group { prefix: &'a str },
    Cursor { cursor: String },
    Changes { changes: String },
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry) -> Self {
        match entry {
            Entry::Item(id, known) => Self::Item(Item { id, known: known.as_deref().map(Known::of) }),
            Entry::Group(prefix) => Self::Group { prefix },
        }
    }
}

impl<'a> Known<'a> {
    pub fn of(described: &'a Described) -> Self {
        Self { size: described.size, head: ItemDocument::of(described.partition, &described.head) }
    }
}

/// The answer for a page; `grouped` says that there can be prefixes. `changes` is from where to follow them.
pub fn answer(
    entries: &[Entry],
    changes: Option<String>,
    cursor: Option<String>,
    grouped: bool,
    in_lines: bool,
) -> Response<Bytes> {
    let lines = entries.iter().map(Line::of);
    if in_lines {
        let first = changes.map(|changes| Line::Changes { changes });
        return json::lines(first.into_iter().chain(lines).chain(cursor.map(|cursor| Line::Cursor { cursor })));
    }
    let (mut items, mut prefixes) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Item(item) => items.push(item),
            Line::Group { prefix } => prefixes.push(prefix),
            Line::Cursor { .. } | Line::Changes { .. } => {}
        }
    }
    json::document(&Document { items, prefixes: grouped.then_some(prefixes), cursor, changes })
}
