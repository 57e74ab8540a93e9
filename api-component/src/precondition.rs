//! `If-Match` and `If-None-Match` of a write: in which state the item must be (RFC 9110 §13.1).
//!
//! They are judged by the commit script, when the write's turn comes. Here they only become
//! revisions of the item's partition. A tag that is none of ours names no state of the item,
//! which for `If-Match` means that it does not hold; it is not an error.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use larder_protocol::limits::MAX_ENTITY_TAGS;
use larder_protocol::{Condition, Partition, Revision, Revisions};

/// A header that is no list of entity tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrecondition {
    /// Not `*` and not a list of quoted tags.
    #[error("{0} must be * or a list of entity tags in quotes, like \"7-1764000000123-0\"")]
    Malformed(HeaderName),
    /// A list that nobody needs.
    #[error("{0} has more than {MAX_ENTITY_TAGS} entity tags")]
    TooMany(HeaderName),
}

/// Reads the condition of a write to an item of `partition`.
pub fn condition(headers: &HeaderMap, partition: Partition) -> Result<Condition, InvalidPrecondition> {
    Ok(Condition {
        // Strong comparison: a weak tag matches nothing.
        if_match: revisions(headers, IF_MATCH, partition, |_, weak| !weak)?,
        // Weak comparison, with which weakness does not count.
        if_none_match: revisions(headers, IF_NONE_MATCH, partition, |_, _| true)?,
    })
}

fn revisions(
    headers: &HeaderMap,
    name: HeaderName,
    partition: Partition,
    counts: impl Fn(&str, bool) -> bool,
) -> Result<Option<Revisions>, InvalidPrecondition> {
    let mut these = None;
    for value in headers.get_all(&name) {
        let malformed = || InvalidPrecondition::Malformed(name.clone());
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            return Ok(Some(Revisions::Any));
        }
        let list = these.get_or_insert_with(Vec::new);
        for (tag, weak) in tags(text).ok_or_else(malformed)? {
            if counts(tag, weak)
                && let Ok(revision) = tag.parse::<Revision>()
                && revision.partition == partition
            {
                list.push(revision.id);
            }
            if list.len() > MAX_ENTITY_TAGS {
                return Err(InvalidPrecondition::TooMany(name));
            }
        }
    }
    Ok(these.map(Revisions::These))
}

/// The tags of a list, without quotes, and whether each is weak; `None` where it is no list
/// (RFC 9110 §8.8.3: a tag may hold commas, but no quotes).
fn tags(text: &str) -> Option<Vec<(&str, bool)>> {
    let (mut tags, mut rest) = (Vec::new(), text);
    loop {
        let weak = rest.starts_with("W/");
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, behind) = quoted.split_once('"')?;
        tags.push((tag, weak));
        match behind.trim_start() {
            "" => return Some(tags),
            more => rest = more.strip_prefix(',')?.trim_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use larder_protocol::StreamId;

    use super::*;

    fn of(name: HeaderName, value: &'static str) -> Result<Condition, InvalidPrecondition> {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        condition(&headers, Partition::new(7).unwrap())
    }

    fn these(ids: &[u64]) -> Option<Revisions> {
        Some(Revisions::These(ids.iter().map(|&ms| StreamId { ms, seq: 0 }).collect()))
    }

    #[test]
    fn tags_become_revisions_of_the_partition() {
        assert_eq!(of(IF_MATCH, "*").unwrap().if_match, Some(Revisions::Any));
        assert_eq!(of(IF_MATCH, "\"7-5-0\"").unwrap().if_match, these(&[5]));
        assert_eq!(of(IF_MATCH, "\"7-5-0\" ,\"a,b\",  \"7-6-0\"").unwrap().if_match, these(&[5, 6]));
        assert_eq!(of(IF_MATCH, "\"8-5-0\", W/\"7-5-0\", \"x\"").unwrap().if_match, these(&[]));
        assert_eq!(of(IF_NONE_MATCH, "W/\"7-5-0\"").unwrap().if_none_match, these(&[5]));
        assert!(of(http::header::ACCEPT, "*/*").unwrap().is_none());
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for wrong in ["", "7-5-0", "\"7-5-0", "\"a\" \"b\"", "\"a\",", "*, \"a\"", "w/\"a\"", "'a'"] {
            assert!(of(IF_MATCH, wrong).is_err(), "{wrong:?}");
        }
    }
}
