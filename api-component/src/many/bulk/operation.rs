//! One operation of a bulk write: `{"op":"put","id":…,"value":…}`, `{"op":"patch","id":…,"merge":…}`,
//! `{"op":"increment","id":…,"by":…}` or `{"op":"delete","id":…}`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use larder_protocol::limits::MAX_TTL_SECONDS;
use larder_protocol::metadata::InvalidMetadata;
use larder_protocol::{Condition, Content, ItemId, Metadata, Operation, Partition, Write};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::items::envelope;
use crate::items::patch::{self, Change, Patch};
use crate::web::body::BodyError;
use crate::web::problem::{Kind, Problem};
use crate::writes::precondition;

/// Why an operation cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOperation {
    /// Not JSON, or a member that is missing, unknown, repeated or of the wrong type.
    #[error("The operation is malformed: {0}")]
    Malformed(String),
    /// A put of nothing.
    #[error("A put needs a value or a value_base64")]
    NoValue,
    /// A put of no bytes.
    #[error("The value is empty; it must have at least one byte")]
    EmptyValue,
    /// Two values.
    #[error("The operation has a value and a value_base64; give one of them")]
    TwoValues,
    /// Not what RFC 4648 §4 describes.
    #[error("The value_base64 is no base64 (RFC 4648 §4): {0}")]
    Base64(String),
    /// More than an id and a condition.
    #[error("A delete has no value, value_base64, content_type, ttl, meta, by, merge or patch")]
    Delete,
    /// More than an id, a condition, how much and for how long.
    #[error("An increment has no value, value_base64, content_type, meta, merge or patch")]
    Increment,
    /// How much, or what to change, of what is new altogether.
    #[error("A put has no by, merge or patch")]
    Put,
    /// A value, or not one patch.
    #[error("A patch has a merge or a patch, and no value, value_base64, content_type or by")]
    Patch,
    /// Something else in a list of ids.
    #[error("The list must have ids, which are JSON strings")]
    NoId,
    /// Not a time to live.
    #[error("The ttl must be a whole number of seconds from 1 to {MAX_TTL_SECONDS}")]
    Ttl,
}

impl From<InvalidOperation> for Problem {
    fn from(error: InvalidOperation) -> Self {
        match error {
            InvalidOperation::NoValue | InvalidOperation::EmptyValue => {
                Self::new(Kind::NoValue, format_args!("{error}. Nothing was written."))
            }
            error => Self::new(Kind::InvalidOperation, format_args!("{error}.")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    op: Op,
    id: String,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    value_base64: Option<Cow<'a, str>>,
    content_type: Option<String>,
    #[serde(borrow)]
    merge: Option<&'a RawValue>,
    #[serde(borrow)]
    patch: Option<&'a RawValue>,
    by: Option<i64>,
    ttl: Option<u64>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    #[serde(default)]
    meta: Texts,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Put,
    Patch,
    Increment,
    Delete,
}

/// What is to be done to an item.
#[allow(clippy::large_enum_variant, reason = "most plans are writes; in Wasm they are smaller")]
pub enum Plan {
    /// What goes to the channel as it is.
    Write(Write),
    /// What depends on the item.
    Patch(Box<Change>),
}

/// Reads an operation, of a value of `max_value_bytes` at most.
pub fn parse(json: &[u8], max_value_bytes: usize) -> Result<(ItemId, Plan), Problem> {
    let form: Form = serde_json::from_slice(json).map_err(|error| InvalidOperation::Malformed(error.to_string()))?;
    let id = ItemId::new(form.id.as_str())?;
    let condition = precondition::members(form.if_match.as_deref(), form.if_none_match.as_deref(), Partition::of(&id))?;
    let operation = match form.op {
        Op::Put if form.by.is_some() || form.is_patch() => return Err(InvalidOperation::Put.into()),
        Op::Put => put(form, max_value_bytes)?,
        Op::Patch => return Ok((id, Plan::Patch(Box::new(patch(form, condition)?)))),
        Op::Increment if form.has_value() || !form.meta.0.is_empty() || form.is_patch() => {
            return Err(InvalidOperation::Increment.into());
        }
        Op::Increment => Operation::Increment { by: form.by.unwrap_or(1), ttl: form.ttl()? },
        Op::Delete if form.is_bare() => Operation::Delete,
        Op::Delete => return Err(InvalidOperation::Delete.into()),
    };
    Ok((id, Plan::Write(Write { condition, ..operation.into() })))
}

/// The id of an operation that cannot be read otherwise, if it has one.
pub fn id(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_slice(json).ok().map(|Named { id }| id)
}

fn put(form: Form, max_value_bytes: usize) -> Result<Operation, Problem> {
    let ttl = form.ttl()?;
    let (usual_type, value) = match (form.value, form.value_base64) {
        (Some(_), Some(_)) => return Err(InvalidOperation::TwoValues.into()),
        (None, None) => return Err(InvalidOperation::NoValue.into()),
        (None, Some(text)) => {
            let base64 = |error: base64::DecodeError| InvalidOperation::Base64(error.to_string());
            (None, BASE64_STANDARD.decode(text.as_bytes()).map_err(base64)?)
        }
        (Some(json), None) => {
            let malformed = |error: serde_json::Error| InvalidOperation::Malformed(error.to_string());
            let (content_type, text) = envelope::text_or_json(json).map_err(malformed)?;
            (Some(content_type), text.into_bytes())
        }
    };
    if value.is_empty() {
        return Err(InvalidOperation::EmptyValue.into());
    }
    if value.len() > max_value_bytes {
        return Err(BodyError::TooLarge(max_value_bytes).into());
    }
    let metadata = form.meta.metadata()?;
    let content = Content::new(form.content_type.as_deref().or(usual_type), value)?.with_metadata(metadata);
    Ok(Operation::Put { content, ttl })
}

fn patch(form: Form, condition: Condition) -> Result<Change, Problem> {
    let (form_of_patch, source) = match (form.merge, form.patch) {
        _ if form.has_value() || form.by.is_some() => return Err(InvalidOperation::Patch.into()),
        (Some(merge), None) => (patch::Form::Merge, merge),
        (None, Some(operations)) => (patch::Form::Operations, operations),
        _ => return Err(InvalidOperation::Patch.into()),
    };
    let patch = Patch::parse(form_of_patch, source.get().as_bytes())?;
    Ok(Change { patch, ttl: form.ttl()?, metadata: form.meta.metadata()?, condition, key: None })
}

impl Form<'_> {
    fn is_patch(&self) -> bool {
        self.merge.is_some() || self.patch.is_some()
    }

    fn is_bare(&self) -> bool {
        !self.has_value() && !self.is_patch() && self.meta.0.is_empty() && self.ttl.is_none() && self.by.is_none()
    }

    fn has_value(&self) -> bool {
        self.value.is_some() || self.value_base64.is_some() || self.content_type.is_some()
    }

    fn ttl(&self) -> Result<Option<Duration>, InvalidOperation> {
        match self.ttl {
            None => Ok(None),
            Some(seconds @ 1..=MAX_TTL_SECONDS) => Ok(Some(Duration::from_secs(seconds))),
            Some(_) => Err(InvalidOperation::Ttl),
        }
    }
}

/// The members of an object in their order, so that one that is repeated is noticed.
#[derive(Default)]
struct Texts(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

impl Texts {
    fn metadata(&self) -> Result<Metadata, InvalidMetadata> {
        Metadata::new(self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Texts, A::Error> {
        let mut texts = Texts::default();
        while let Some(member) = members.next_entry()? {
            texts.0.push(member);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(json: &str) -> Result<String, String> {
        match parse(json.as_bytes(), 10).map_err(|problem| problem.to_string())?.1 {
            Plan::Write(Write { operation: Operation::Put { content, .. }, .. }) => {
                Ok(String::from_utf8(content.encode()).unwrap())
            }
            Plan::Write(_) => Ok("deleted".to_owned()),
            Plan::Patch(change) => Ok(format!("{:?}", change.patch)),
        }
    }

    #[test]
    fn a_value_is_text_json_or_bytes() {
        for (members, stored) in [
            (r#""value":"a""#, "text/plain; charset=utf-8\n\na"),
            (r#""value":[1, 2]"#, "application/json\n\n[1, 2]"),
            (r#""value_base64":"AQI=""#, "application/octet-stream\n\n\u{1}\u{2}"),
            (r#""value":"<p>","content_type":"text/html""#, "text/html\n\n<p>"),
            (r#""value":1,"meta":{"Owner":"ada"}"#, "application/json\nowner: ada\n\n1"),
        ] {
            assert_eq!(content(&format!(r#"{{"op":"put","id":"a",{members}}}"#)).as_deref(), Ok(stored));
        }
        assert_eq!(content(r#"{"op":"delete","id":"a","if_match":"*"}"#).as_deref(), Ok("deleted"));
        let Ok((_, Plan::Write(increment))) = parse(br#"{"op":"increment","id":"a","by":-2,"ttl":5}"#, 10) else {
            panic!("it is one")
        };
        assert_eq!(increment.operation, Operation::Increment { by: -2, ttl: Some(Duration::from_secs(5)) });
        assert!(content(r#"{"op":"patch","id":"a","merge":{"b":1}}"#).unwrap().starts_with("Merge("));
        assert!(
            content(r#"{"op":"patch","id":"a","patch":[{"op":"remove","path":"/b"}]}"#).unwrap().contains("Remove")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, hint) in [
            (r#"{"op":"put","id":"a"}"#, "needs a value"),
            (r#"{"op":"put","id":"a","value":null}"#, "needs a value"),
            (r#"{"op":"put","id":"a","value":""}"#, "is empty"),
            (r#"{"op":"put","id":"a","value":"12345678901"}"#, "larger than 10 bytes"),
            (r#"{"op":"put","id":"a","value":1,"value_base64":"AQ=="}"#, "give one of them"),
            (r#"{"op":"put","id":"a","value_base64":"A"}"#, "no base64"),
            (r#"{"op":"put","id":"a","value":1,"ttl":0}"#, "from 1 to"),
            (r#"{"op":"put","id":"a","value":1,"ttl":-1}"#, "-1"),
            (r#"{"op":"put","id":"a","value":1,"tll":1}"#, "`tll`"),
            (r#"{"op":"put","id":"a","value":1,"value":2}"#, "`value`"),
            (r#"{"op":"put","id":"a","value":1,"meta":{"a":"1","A":"2"}}"#, "more than once"),
            (r#"{"op":"put","id":"a","value":1,"meta":{"a":1}}"#, "expected a string"),
            (r#"{"op":"put","id":"a","value":1,"content_type":"x"}"#, "no media type"),
            (r#"{"op":"put","id":"","value":1}"#, "id is empty"),
            (r#"{"op":"put","value":1}"#, "`id`"),
            (r#"{"id":"a","value":1}"#, "`op`"),
            (r#"{"op":"get","id":"a"}"#, "`get`"),
            (r#"{"op":"delete","id":"a","ttl":1}"#, "A delete has no"),
            (r#"{"op":"increment","id":"a","value":1}"#, "An increment has no"),
            (r#"{"op":"increment","id":"a","by":1.5}"#, "1.5"),
            (r#"{"op":"increment","id":"a","ttl":0}"#, "from 1 to"),
            (r#"{"op":"put","id":"a","value":1,"by":1}"#, "A put has no by"),
            (r#"{"op":"patch","id":"a"}"#, "A patch has a merge or a patch"),
            (r#"{"op":"patch","id":"a","merge":{},"patch":[]}"#, "A patch has a merge or a patch"),
            (r#"{"op":"patch","id":"a","merge":{},"value":1}"#, "A patch has a merge or a patch"),
            (r#"{"op":"patch","id":"a","patch":{}}"#, "The patch is malformed"),
            (r#"{"op":"put","id":"a","value":1,"if_match":"a b"}"#, "if_match must be"),
            ("[]", "malformed"),
            ("{", "malformed"),
        ] {
            let error = content(json).unwrap_err();
            assert!(error.contains(hint), "{json}: {error}");
        }
        assert_eq!(id(br#"{"id":"a","tll":1}"#).as_deref(), Some("a"));
        assert_eq!(id(b"{"), None);
    }
}
