//! `If-Match` and `If-None-Match` of a write: in which state the item must be (RFC 9110 §13.1).
//!
//! They are judged by the commit script, when the write's turn comes. Here they only become
//! revisions of the item's partition. A tag that is none of ours names no state of the item,
//! which for `If-Match` means that it does not hold; it is not an error.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use larder_protocol::limits::MAX_ENTITY_TAGS;
use larder_protocol::{Condition, Partition, Revision, Revisions};

use crate::web::problem::{Kind, Problem};

/// A header that is no list of entity tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrecondition {
    /// Not `*` and not a list of quoted tags.
    #[error("{0} must be * or a list of entity tags in quotes, like \"7-1764000000123-0\"")]
    Malformed(String),
    /// A list that nobody needs.
    #[error("{0} has more than {MAX_ENTITY_TAGS} entity tags")]
    TooMany(String),
}

impl From<InvalidPrecondition> for Problem {
    fn from(error: InvalidPrecondition) -> Self {
        Self::new(Kind::InvalidPrecondition, format_args!("{error}."))
    }
}

/// Reads the condition of a write to an item of `partition` from its headers.
pub fn condition(headers: &HeaderMap, partition: Partition) -> Result<Condition, InvalidPrecondition> {
    let read = |name: HeaderName, compare| {
        let texts = headers.get_all(&name).iter().map(|value| value.to_str().ok());
        revisions(name.as_str(), texts, partition, compare)
    };
    Ok(Condition { if_match: read(IF_MATCH, Compare::Strong)?, if_none_match: read(IF_NONE_MATCH, Compare::Weak)? })
}

/// Reads the condition of an operation from its JSON members, which hold what the headers would,
/// or one revision without quotes.
pub fn members(
    if_match: Option<&str>,
    if_none_match: Option<&str>,
    partition: Partition,
) -> Result<Condition, InvalidPrecondition> {
    let read = |name, text: Option<&str>, compare| {
        let bare = text.filter(|text| text.parse::<Revision>().is_ok()).map(|text| format!("\"{text}\""));
        revisions(name, text.map(|text| Some(bare.as_deref().unwrap_or(text))).into_iter(), partition, compare)
    };
    Ok(Condition {
        if_match: read("if_match", if_match, Compare::Strong)?,
        if_none_match: read("if_none_match", if_none_match, Compare::Weak)?,
    })
}

/// How tags are compared (RFC 9110 §8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compare {
    /// A weak tag matches nothing.
    Strong,
    /// Weakness does not count.
    Weak,
}

fn revisions<'a>(
    name: &str,
    texts: impl Iterator<Item = Option<&'a str>>,
    partition: Partition,
    compare: Compare,
) -> Result<Option<Revisions>, InvalidPrecondition> {
    let mut these = None;
    for text in texts {
        let malformed = || InvalidPrecondition::Malformed(name.to_owned());
        let text = text.ok_or_else(malformed)?.trim();
        if text == "*" {
            return Ok(Some(Revisions::Any));
        }
        let list = these.get_or_insert_with(Vec::new);
        for (tag, weak) in tags(text).ok_or_else(malformed)? {
            if !(weak && compare == Compare::Strong)
                && let Ok(revision) = tag.parse::<Revision>()
                && revision.partition == partition
            {
                list.push(revision.id);
            }
            if list.len() > MAX_ENTITY_TAGS {
                return Err(InvalidPrecondition::TooMany(name.to_owned()));
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
    fn members_hold_what_headers_do_or_one_revision() {
        let p = Partition::new(7).unwrap();
        assert_eq!(members(Some("7-5-0"), None, p).unwrap().if_match, these(&[5]));
        assert_eq!(members(None, Some("\"7-5-0\", \"7-6-0\""), p).unwrap().if_none_match, these(&[5, 6]));
        assert!(members(None, None, p).unwrap().is_none());
        assert_eq!(
            members(Some("7-5"), None, p).unwrap_err().to_string(),
            "if_match must be * or a list of entity tags in quotes, like \"7-1764000000123-0\""
        );
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for wrong in ["", "7-5-0", "\"7-5-0", "\"a\" \"b\"", "\"a\",", "*, \"a\"", "w/\"a\"", "'a'"] {
            assert!(of(IF_MATCH, wrong).is_err(), "{wrong:?}");
        }
    }
}
