//! Makes one page of what the partitions tell.

use crate::store::{Entry, Part};

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// In byte order.
    pub entries: Vec<Entry>,
    /// The position that the next page starts after; `None` on the last.
    pub next: Option<Vec<u8>>,
}

impl Entry {
    fn text(&self) -> &str {
        match self {
            Self::Item(text, _) | Self::Group(text) => text,
        }
    }

    /// The position that has this entry behind it. No id has the byte 255.
    fn position(&self) -> Vec<u8> {
        match self {
            Self::Item(id, _) => id.clone().into_bytes(),
            Self::Group(group) => [group.as_bytes(), &[0xff]].concat(),
        }
    }
}

/// Puts the parts together in byte order, `limit` entries at most. A group that several
/// partitions have is told once. What lies beyond a partition that has more to tell has to wait
/// for the next page: there may be something before it.
pub fn merge(parts: Vec<Part>, limit: usize) -> Page {
    let reached = parts.iter().filter_map(|part| part.position.clone()).min();
    let mut entries: Vec<_> = parts.into_iter().flat_map(|part| part.entries).collect();
    entries.sort_unstable_by(|a, b| a.text().cmp(b.text()));
    entries.dedup_by(|a, b| a.text() == b.text());
    if let Some(reached) = &reached {
        entries.retain(|entry| entry.text().as_bytes() <= reached.as_slice());
    }
    let is_cut = entries.len() > limit;
    entries.truncate(limit);
    let last = entries.last().map(Entry::position);
    // Of a group that was told, nothing is told again, however far each partition came in it.
    let next =
        if is_cut { last } else { reached.map(|reached| last.map_or(reached.clone(), |last| last.max(reached))) };
    Page { entries, next }
}
