//! How changes look to the client: as a page, or one after the other.

use bytes::Bytes;
use http::Response;
use larder_protocol::Revision;
use larder_protocol::timestamp::rfc3339;
use serde::Serialize;

use super::cursor;
use super::reader::{Current, Told};
use crate::items::document::ReadItem;
use crate::many::listing::document::Known;
use crate::store::Positions;
use crate::web::json;
use crate::web::problem::Problem;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Document,
    /// JSON lines.
    Lines,
    /// What goes on.
    Stream(Format),
}

/// The form of an answer that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines.
    Lines,
    /// Server-Sent Events (HTML standard, section 9.2).
    Events,
}

#[derive(Serialize)]
struct Page<'a> {
    changes: Vec<Change<'a>>,
    cursor: String,
}

#[derive(Serialize)]
struct Change<'a> {
    op: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// The item as it is now, null where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Option<Item<'a>>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Known(Known<'a>),
    Read(ReadItem<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Change(Change<'a>),
    Cursor { cursor: String },
    Problem { problem: crate::web::problem::Document },
}

impl<'a> Change<'a> {
    fn of(told: &'a Told) -> Self {
        let change = &told.change;
        let current = told.current.as_ref().map(|current| match current {
            Current::Meta(described) => described.as_ref().map(|described| Item::Known(Known::of(described))),
            Current::Value(item) => item.as_ref().map(|item| Item::Read(ReadItem::of(change.partition, item))),
        });
        Self {
            op: change.op.into(),
            id: &change.id,
            revision: change.revision.map(|id| Revision { partition: change.partition, id }.to_string()),
            at: rfc3339(change.at.ms),
            expires: change.expires_at_ms.map(rfc3339),
            current,
        }
    }
}

/// The answer for a page; `reached` is where the next one begins.
pub fn page(told: &[Told], reached: &Positions, in_lines: bool) -> Response<Bytes> {
    let (changes, cursor) = (told.iter().map(Change::of), cursor::encode(reached));
    if in_lines {
        return json::lines(changes.map(Line::Change).chain([Line::Cursor { cursor }]));
    }
    json::document(&Page { changes: changes.collect(), cursor })
}

impl Format {
    /// The answer with which a stream begins, at the position `from`.
    pub fn begin(self, from: Positions, told: &[Told], reached: &Positions) -> Response<Bytes> {
        let mut text = Vec::new();
        match self {
            Self::Lines => {
                self.write(&mut text, from, told, reached);
                json::written_lines(text)
            }
            Self::Events => {
                // A client that is cut off before the first change goes on from here.
                text.extend(format!("retry: 1000\nid: {}\n\n", cursor::encode(&from)).bytes());
                self.write(&mut text, from, told, reached);
                json::events(text)
            }
        }
    }

    /// Adds what was told behind `from`.
    pub fn write(self, text: &mut Vec<u8>, from: Positions, told: &[Told], reached: &Positions) {
        let mut position = from;
        for (n, one) in told.iter().enumerate() {
            position[one.change.partition.index()] = one.change.at;
            if n + 1 == told.len() {
                position = *reached;
            }
            match self {
                Self::Lines => json::write_line(text, &Line::Change(Change::of(one))),
                Self::Events => {
                    let op: &str = one.change.op.into();
                    text.extend(format!("id: {}\nevent: {op}\ndata: ", cursor::encode(&position)).bytes());
                    json::write_line(text, &Change::of(one));
                    text.push(b'\n');
                }
            }
        }
        if self == Self::Lines {
            json::write_line(text, &Line::Cursor { cursor: cursor::encode(reached) });
        }
    }

    /// Says that nothing happened, and where the client would go on.
    pub fn write_nothing(self, text: &mut Vec<u8>, reached: &Positions) {
        let cursor = cursor::encode(reached);
        match self {
            Self::Lines => json::write_line(text, &Line::Cursor { cursor }),
            // Without data this is no event, but the browser remembers the cursor.
            Self::Events => text.extend(format!(": nothing new\nid: {cursor}\n\n").bytes()),
        }
    }

    /// Says why the stream ends.
    pub fn write_problem(self, text: &mut Vec<u8>, problem: &Problem) {
        match self {
            Self::Lines => json::write_line(text, &Line::Problem { problem: problem.document() }),
            Self::Events => {
                text.extend(b"event: problem\ndata: ");
                json::write_line(text, &problem.document());
                text.push(b'\n');
            }
        }
    }
}
