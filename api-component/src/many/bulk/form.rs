//! The two forms of a bulk request: a JSON array, or JSON lines.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use larder_protocol::limits::{MAX_BULK_BYTES, MAX_BULK_OPERATIONS};
use serde::Serialize;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::result::BulkResult;
use crate::web::body::{self, BodyError, RequestBody};
use crate::web::json;
use crate::web::problem::{Kind, Problem};

/// Why a bulk request cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBulk {
    /// Neither of the two forms.
    #[error("The content type must be application/json, for an array, or application/x-ndjson, for one a line")]
    ContentType,
    /// Not JSON, or no array.
    #[error("The body must be a JSON array: {0}")]
    NoArray(String),
    /// There is nothing in it.
    #[error("The body is empty; it must have 1 to {MAX_BULK_OPERATIONS} parts")]
    Empty,
    /// More parts than are allowed.
    #[error("The body has more than {MAX_BULK_OPERATIONS} parts")]
    TooMany,
    /// More bytes than are allowed.
    #[error("The body is larger than {MAX_BULK_BYTES} bytes")]
    TooLarge,
}

impl From<InvalidBulk> for Problem {
    fn from(error: InvalidBulk) -> Self {
        let kind = match error {
            InvalidBulk::ContentType => Kind::UnsupportedContentType,
            InvalidBulk::TooMany | InvalidBulk::TooLarge => Kind::BulkTooLarge,
            InvalidBulk::NoArray(_) | InvalidBulk::Empty => Kind::InvalidBulk,
        };
        Self::new(kind, format_args!("{error}. Nothing was done."))
    }
}

/// How a bulk request is written, and its answer too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/json`
    Array,
    /// `application/x-ndjson`
    Lines,
}

impl Form {
    /// The form that the content type says.
    pub fn of(headers: &HeaderMap) -> Result<Self, InvalidBulk> {
        let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if json::is_document(text) {
            Ok(Self::Array)
        } else if json::is_lines(text) {
            Ok(Self::Lines)
        } else {
            Err(InvalidBulk::ContentType)
        }
    }

    /// The JSON text of each part. No more of them are kept than may be.
    pub fn parts(self, body: &[u8]) -> Result<Vec<&[u8]>, InvalidBulk> {
        let parts = match self {
            Self::Lines => {
                let lines = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
                lines.filter(|line| !line.is_empty()).take(MAX_BULK_OPERATIONS + 1).collect()
            }
            Self::Array => {
                let no_array = |error: serde_json::Error| InvalidBulk::NoArray(error.to_string());
                let mut json = serde_json::Deserializer::from_slice(body);
                let parts = json.deserialize_seq(FirstParts).map_err(no_array)?;
                json.end().map_err(no_array)?;
                parts
            }
        };
        match parts.len() {
            0 => Err(InvalidBulk::Empty),
            1..=MAX_BULK_OPERATIONS => Ok(parts),
            _ => Err(InvalidBulk::TooMany),
        }
    }

    /// The answer, in the form of the request.
    pub fn answer<T: Serialize>(self, results: &[BulkResult<T>]) -> Response<Bytes> {
        match self {
            Self::Array => json::document(&results),
            Self::Lines => json::lines(results),
        }
    }
}

/// Reads the body of a bulk request.
pub async fn body(request: Request<impl RequestBody>) -> Result<Bytes, Problem> {
    body::read(request, MAX_BULK_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge(_) => InvalidBulk::TooLarge.into(),
        error => error.into(),
    })
}

/// Keeps the elements of an array up to one more than are allowed.
struct FirstParts;

impl<'de> Visitor<'de> for FirstParts {
    type Value = Vec<&'de [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while parts.len() <= MAX_BULK_OPERATIONS {
            match array.next_element::<&RawValue>()? {
                Some(part) => parts.push(part.get().as_bytes()),
                None => return Ok(parts),
            }
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_have_the_same_parts() {
        let parts = [&b"{\"a\": [1, 2]}"[..], b"\"b\""];
        assert_eq!(Form::Array.parts(b" [ {\"a\": [1, 2]} , \"b\" ]\n").unwrap(), parts);
        assert_eq!(Form::Lines.parts(b"{\"a\": [1, 2]}\r\n\n  \"b\"").unwrap(), parts);
    }

    #[test]
    fn what_is_wrong_with_the_whole_is_told() {
        for wrong in ["", "{}", "[1", "[1] 2", "1", "[1,]"] {
            assert!(matches!(Form::Array.parts(wrong.as_bytes()), Err(InvalidBulk::NoArray(_))), "{wrong}");
        }
        assert_eq!(Form::Array.parts(b"[]"), Err(InvalidBulk::Empty));
        assert_eq!(Form::Lines.parts(b" \n\n"), Err(InvalidBulk::Empty));
    }

    #[test]
    fn the_number_of_parts_is_limited() {
        let lines = |count| "1\n".repeat(count);
        let array = |count: usize| format!("[1{}]", ",1".repeat(count - 1));
        assert_eq!(Form::Lines.parts(lines(MAX_BULK_OPERATIONS).as_bytes()).unwrap().len(), MAX_BULK_OPERATIONS);
        assert_eq!(Form::Array.parts(array(MAX_BULK_OPERATIONS).as_bytes()).unwrap().len(), MAX_BULK_OPERATIONS);
        assert_eq!(Form::Lines.parts(lines(MAX_BULK_OPERATIONS + 1).as_bytes()), Err(InvalidBulk::TooMany));
        assert_eq!(Form::Array.parts(array(MAX_BULK_OPERATIONS + 9).as_bytes()), Err(InvalidBulk::TooMany));
    }
}
