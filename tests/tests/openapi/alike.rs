//! Comparing what came back with the example of it.

use anyhow::ensure;
use larder_protocol::Revision;
use larder_tests::openapi::parse;
use serde_json::Value;

use crate::example::Body;

/// Checks that a body is the example, but for what differs each time: revisions, times, cursors,
/// and the details of problems, which are for people and name the request's particulars.
pub fn check(body: &Body<'_>, actual: &[u8]) -> anyhow::Result<()> {
    let expected = &body.example.value()["value"];
    // The document does not say what the type of a stored value is; the example does.
    let media_type = match (body.media_type.as_str(), expected) {
        ("*/*", Value::String(_)) => "text/plain",
        ("*/*", _) => "application/json",
        (media_type, _) => media_type,
    };
    let actual = parse(media_type, actual)?;
    ensure!(alike("", expected, &actual), "{actual} is not like the example {expected}");
    Ok(())
}

fn alike(name: &str, expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(these), Value::Object(those)) => {
            these.len() == those.len()
                && these.iter().all(|(name, value)| those.get(name).is_some_and(|other| alike(name, value, other)))
        }
        (Value::Array(these), Value::Array(those)) => {
            these.len() == those.len() && these.iter().zip(those).all(|(this, that)| alike("", this, that))
        }
        (Value::String(_), Value::String(_)) if matches!(name, "detail" | "cursor" | "changes") => true,
        (Value::String(this), Value::String(that)) => {
            this == that || (is_revision(this) && is_revision(that)) || (is_time(this) && is_time(that))
        }
        (this, that) => this == that,
    }
}

fn is_revision(text: &str) -> bool {
    text.parse::<Revision>().is_ok()
}

fn is_time(text: &str) -> bool {
    humantime::parse_rfc3339(text).is_ok()
}
