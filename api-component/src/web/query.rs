//! The query of a request: only what the resource knows, each parameter once.

use std::time::Duration;

use http::Uri;
use larder_protocol::limits::{MAX_LIST_LIMIT, MAX_TTL_SECONDS};

use super::problem::{Kind, Problem};

/// Why a query cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// A parameter that this resource does not know.
    #[error("The query parameter \"{0}\" is not known here{1}")]
    Unknown(String, String),
    /// A parameter that comes more than once.
    #[error("The query parameter \"{0}\" is given more than once")]
    Duplicate(String),
    /// What it decodes to is no text.
    #[error("The query is not UTF-8 after percent-decoding")]
    NotUtf8,
    /// A text that no id can have in it.
    #[error("The {name} must have {min} to {max} bytes of UTF-8 without control characters")]
    Text {
        /// The parameter.
        name: &'static str,
        /// Least bytes.
        min: usize,
        /// Most bytes.
        max: usize,
    },
    /// No number of ids that a page can have.
    #[error("The limit \"{0}\" must be a whole number from 1 to {MAX_LIST_LIMIT}")]
    Limit(String),
    /// Something else to tell of an item.
    #[error("The parameter values must be meta or none")]
    Values,
    /// Nothing that can be done to an item.
    #[error("The op must be increment; by goes with it")]
    Op,
    /// No integer of 64 bits.
    #[error("The by \"{0}\" must be a whole number from {min} to {max}", min = i64::MIN, max = i64::MAX)]
    By(String),
    /// Something else to tell of an item that changed.
    #[error("The parameter include must be meta or value")]
    Include,
    /// Neither yes nor no.
    #[error("The parameter {0} must be true or false")]
    Flag(&'static str),
    /// A wait that is none.
    #[error("The parameter wait must be a whole number of seconds")]
    Wait,
    /// A stream in a form that has an end.
    #[error("With follow=true the answer has no end; it needs Accept: application/x-ndjson, or text/event-stream")]
    Follow,
    /// A time to live that is none.
    #[error("The ttl \"{0}\" must be a whole number of seconds from 1 to {MAX_TTL_SECONDS}")]
    Ttl(String),
}

impl From<InvalidQuery> for Problem {
    fn from(error: InvalidQuery) -> Self {
        Self::new(Kind::InvalidQuery, format_args!("{error}."))
    }
}

/// Reads the parameters that this resource knows, in the order of `known`.
///
/// # Errors
/// [`InvalidQuery`] names the first unknown or repeated one.
pub fn parameters<const N: usize>(uri: &Uri, known: [&str; N]) -> Result<[Option<String>; N], InvalidQuery> {
    let mut values = [const { None }; N];
    let query = uri.query().unwrap_or_default();
    // The parser below would put a replacement character in the place of what is not UTF-8.
    percent_encoding::percent_decode_str(query).decode_utf8().map_err(|_| InvalidQuery::NotUtf8)?;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(slot) = known.iter().position(|k| *k == name) else {
            let hint = if N == 0 { String::new() } else { format!("; known are: {}", known.join(", ")) };
            return Err(InvalidQuery::Unknown(name.escape_debug().to_string(), hint));
        };
        if values[slot].replace(value.into_owned()).is_some() {
            return Err(InvalidQuery::Duplicate(name.into_owned()));
        }
    }
    Ok(values)
}

/// Reads a flag, which is false where it is not given.
///
/// # Errors
/// [`InvalidQuery::Flag`].
pub fn flag(name: &'static str, text: Option<&str>) -> Result<bool, InvalidQuery> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(InvalidQuery::Flag(name)),
    }
}

/// Reads part of an id: its rules hold for it too, but for the length.
///
/// # Errors
/// [`InvalidQuery::Text`].
pub fn text(name: &'static str, text: String, min: usize, max: usize) -> Result<String, InvalidQuery> {
    if (min..=max).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(InvalidQuery::Text { name, min, max })
}

/// Reads how much a page may hold: 1 to [`MAX_LIST_LIMIT`].
///
/// # Errors
/// [`InvalidQuery::Limit`].
pub fn page_limit(text: &str) -> Result<usize, InvalidQuery> {
    match text.parse() {
        Ok(limit @ 1..=MAX_LIST_LIMIT) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(limit),
        _ => Err(InvalidQuery::Limit(text.escape_debug().to_string())),
    }
}

/// Reads a time to live in seconds.
///
/// # Errors
/// [`InvalidQuery::Ttl`] where it is no number, 0, or above [`MAX_TTL_SECONDS`].
pub fn ttl(text: &str) -> Result<Duration, InvalidQuery> {
    match text.parse() {
        Ok(seconds @ 1..=MAX_TTL_SECONDS) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Duration::from_secs(seconds))
        }
        _ => Err(InvalidQuery::Ttl(text.escape_debug().to_string())),
    }
}

/// Reads how much to add.
///
/// # Errors
/// [`InvalidQuery::By`] where it is no integer of 64 bits in decimal.
pub fn by(text: &str) -> Result<i64, InvalidQuery> {
    let number = text.parse().ok().filter(|_| !text.starts_with('+'));
    number.ok_or_else(|| InvalidQuery::By(text.escape_debug().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &'static str) -> Result<[Option<String>; 1], InvalidQuery> {
        parameters(&format!("/items/a?{query}").parse().unwrap(), ["ttl"])
    }

    #[test]
    fn what_is_unknown_or_repeated_is_named() {
        assert_eq!(parse("ttl=5"), Ok([Some("5".to_owned())]));
        assert_eq!(parse(""), Ok([None]));
        assert_eq!(parse("ttl=5&ttl=5"), Err(InvalidQuery::Duplicate("ttl".to_owned())));
        assert_eq!(
            parse("TTL=5").unwrap_err().to_string(),
            "The query parameter \"TTL\" is not known here; known are: ttl"
        );
    }

    #[test]
    fn an_increment_is_an_integer_of_64_bits() {
        assert_eq!(by("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(by("0"), Ok(0));
        for wrong in ["", "+1", " 1", "1.0", "1e3", "0x1", "9223372036854775808"] {
            assert!(by(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_whole_numbers() {
        assert_eq!(page_limit("1000"), Ok(1_000));
        for wrong in ["", "0", "1001", "-1", "+1", "1e2", "ten"] {
            assert!(page_limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ttl_is_a_whole_number_of_seconds() {
        assert_eq!(ttl("60"), Ok(Duration::from_secs(60)));
        for wrong in ["", "0", "-1", "+1", "1.5", "1m", "3153600001", "99999999999999999999"] {
            assert!(ttl(wrong).is_err(), "{wrong}");
        }
    }
}
