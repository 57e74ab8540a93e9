//! The JSON body of `POST /items/{id}`: `{"value": …, "ttl": seconds}`.

use larder_protocol::Content;
use larder_protocol::limits::MAX_TTL_SECONDS;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::web::problem::{Kind, Problem};

/// Why an envelope cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvelope {
    /// Not JSON, not an object of this form, or a member that is unknown, repeated or of the
    /// wrong type.
    #[error("The JSON body must look like {{\"value\": …, \"ttl\": seconds}}: {0}")]
    Malformed(String),
    /// The time to live is in the query too.
    #[error("The ttl is in the query and in the JSON body; give it in one of them")]
    TtlTwice,
    /// It comes with something else.
    #[error("An increment has no body; what to add is in the query")]
    OfIncrement,
    /// `value` is missing or null.
    #[error("The JSON body has no value; it must look like {{\"value\": …, \"ttl\": seconds}}")]
    NoValue,
    /// `value` is the empty string.
    #[error("The value in the JSON body is empty; it must have at least one character")]
    EmptyValue,
}

impl From<InvalidEnvelope> for Problem {
    fn from(error: InvalidEnvelope) -> Self {
        match error {
            InvalidEnvelope::NoValue | InvalidEnvelope::EmptyValue => {
                Self::new(Kind::NoValue, format_args!("{error}. Nothing was written."))
            }
            InvalidEnvelope::Malformed(_) | InvalidEnvelope::TtlTwice | InvalidEnvelope::OfIncrement => {
                Self::new(Kind::InvalidEnvelope, format_args!("{error}."))
            }
        }
    }
}

/// What a client wants stored, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    /// A string as text, anything else as the JSON it was, byte for byte.
    pub content: Content,
    /// Time to live in seconds.
    pub ttl: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    /// Kept as text, so that no number loses a digit and no object its order.
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    ttl: Option<u64>,
}

impl Envelope {
    /// Reads the body of a request whose content type is `application/json`.
    ///
    /// # Errors
    /// [`InvalidEnvelope`].
    pub fn parse(body: &[u8]) -> Result<Self, InvalidEnvelope> {
        let malformed = |error: serde_json::Error| InvalidEnvelope::Malformed(error.to_string());
        let Form { value, ttl } = serde_json::from_slice(body).map_err(malformed)?;
        let value = value.ok_or(InvalidEnvelope::NoValue)?;
        if ttl.is_some_and(|seconds| !(1..=MAX_TTL_SECONDS).contains(&seconds)) {
            return Err(InvalidEnvelope::Malformed(format!("ttl must be from 1 to {MAX_TTL_SECONDS}")));
        }
        let (content_type, value) = text_or_json(value).map_err(malformed)?;
        if value.is_empty() {
            return Err(InvalidEnvelope::EmptyValue);
        }
        let content = Content::new(Some(content_type), value.into_bytes()).expect("both are media types");
        Ok(Self { content, ttl })
    }
}

/// What a JSON value is stored as, with its content type: a string as its text, anything else as
/// the JSON that it is, byte for byte.
///
/// # Errors
/// Where a string has an escape that stands for no character.
pub fn text_or_json(value: &RawValue) -> Result<(&'static str, String), serde_json::Error> {
    let json = value.get();
    if json.starts_with('"') {
        return Ok(("text/plain; charset=utf-8", serde_json::from_str(json)?));
    }
    Ok(("application/json", json.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<(Vec<u8>, Option<u64>), InvalidEnvelope> {
        Envelope::parse(body.as_bytes()).map(|e| (e.content.encode(), e.ttl))
    }

    #[test]
    fn a_string_is_text_and_the_rest_is_json_as_it_was_sent() {
        let text = |value: &str| format!("text/plain; charset=utf-8\n\n{value}").into_bytes();
        let json = |value: &str| format!("application/json\n\n{value}").into_bytes();
        assert_eq!(parse(r#"{"value":"a\"\u00e9\n"}"#), Ok((text("a\"é\n"), None)));
        assert_eq!(
            parse(r#"{"value": {"b": 1.10, "a": [ ]}, "ttl": 5}"#),
            Ok((json(r#"{"b": 1.10, "a": [ ]}"#), Some(5)))
        );
        assert_eq!(parse(r#"{"value":12345678901234567890123}"#), Ok((json("12345678901234567890123"), None)));
        assert_eq!(parse(r#"{"value":false}"#), Ok((json("false"), None)));
    }

    #[test]
    fn no_value_is_told_from_a_malformed_body() {
        for body in [r"{}", r#"{"value":null}"#, r#"{"ttl":5}"#] {
            assert_eq!(parse(body), Err(InvalidEnvelope::NoValue), "{body}");
        }
        assert_eq!(parse(r#"{"value":""}"#), Err(InvalidEnvelope::EmptyValue));
        for body in [
            "",
            "{",
            "null",
            "[]",
            "\"a\"",
            r#"{"value":1,"ttl":0}"#,
            r#"{"value":1,"ttl":"5"}"#,
            r#"{"value":1,"ttl":-1}"#,
            r#"{"value":1,"value":2}"#,
            r#"{"value":1} x"#,
        ] {
            assert!(matches!(parse(body), Err(InvalidEnvelope::Malformed(_))), "{body}");
        }
        let Err(InvalidEnvelope::Malformed(message)) = parse(r#"{"value":1,"tll":5}"#) else { panic!("accepted") };
        assert!(message.contains("`tll`"), "{message}");
    }
}
