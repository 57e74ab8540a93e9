//! JSON in requests and answers: one document (`application/json`), or one a line
//! (`application/x-ndjson`).

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use mediatype::{MediaTypeList, Name, ReadParams as _};
use serde::Serialize;

use super::header;

/// The media types of JSON lines; the first is the one that is answered.
const LINES: [&str; 2] = ["application/x-ndjson", "application/ndjson"];

/// The media type of one document.
pub const DOCUMENT: &str = "application/json";

/// The media type of Server-Sent Events (HTML standard, section 9.2).
pub const EVENTS: &str = "text/event-stream";

/// A media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a content type is that of one document.
pub fn is_document(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(DOCUMENT)
}

/// Whether what has this content type is JSON (RFC 6839 §3.1).
pub fn is_json(content_type: &str) -> bool {
    is_document(content_type) || essence(content_type).to_ascii_lowercase().ends_with("+json")
}

/// Whether a content type is that of a JSON Merge Patch (RFC 7396).
pub fn is_merge_patch(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/merge-patch+json")
}

/// Whether a content type is that of a JSON Patch (RFC 6902).
pub fn is_patch(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/json-patch+json")
}

/// Whether a content type is that of one document a line.
pub fn is_lines(content_type: &str) -> bool {
    let essence = essence(content_type);
    LINES.iter().any(|name| essence.eq_ignore_ascii_case(name))
}

/// Whether a content type is that of Server-Sent Events.
fn is_events(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(EVENTS)
}

/// Whether the client names JSON lines in `Accept`, and does not like JSON better (RFC 9110
/// §12.5.1). What is no list of media types asks for nothing.
pub fn prefers_lines(headers: &HeaderMap) -> bool {
    let lines = quality(headers, is_lines);
    lines > 0.0 && lines >= quality(headers, is_document)
}

/// Whether the client names Server-Sent Events in `Accept`, and likes neither JSON nor JSON lines better.
pub fn prefers_events(headers: &HeaderMap) -> bool {
    let events = quality(headers, is_events);
    events > 0.0 && events >= quality(headers, |name| is_lines(name) || is_document(name))
}

/// How much the client would like a media type that it names; the last that it says of one counts.
fn quality(headers: &HeaderMap, is_it: impl Fn(&str) -> bool) -> f32 {
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let named = texts.flat_map(MediaTypeList::new).flatten().filter(|range| is_it(&range.essence().to_string()));
    let quality = named.filter_map(|range| {
        range.get_param(Name::new_unchecked("q")).map_or(Some(1.0), |quality| quality.as_str().parse::<f32>().ok())
    });
    quality.last().unwrap_or_default()
}

/// A document about this moment, as an answer.
pub fn document(content: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(content).expect("documents of strings and numbers always serialize");
    answer(header::JSON, body)
}

/// One document a line, as an answer.
pub fn lines<T: Serialize>(documents: impl IntoIterator<Item = T>) -> Response<Bytes> {
    let mut body = Vec::new();
    documents.into_iter().for_each(|document| write_line(&mut body, &document));
    written_lines(body)
}

/// Adds a document, as one line.
pub fn write_line(text: &mut Vec<u8>, document: &impl Serialize) {
    serde_json::to_writer(&mut *text, document).expect("documents of strings and numbers always serialize");
    text.push(b'\n');
}

/// Server-Sent Events, as an answer.
pub fn events(body: Vec<u8>) -> Response<Bytes> {
    answer(HeaderValue::from_static(EVENTS), body)
}

/// JSON lines that are written already, as an answer.
pub fn written_lines(body: Vec<u8>) -> Response<Bytes> {
    answer(HeaderValue::from_static(LINES[0]), body)
}

fn answer(content_type: HeaderValue, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, header::NO_STORE);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_answered_to_those_who_name_them() {
        for (accept, expected) in [
            ("application/x-ndjson", true),
            ("application/json;q=0.5, APPLICATION/X-NDJSON", true),
            ("application/json, application/x-ndjson;q=0.5", false),
            ("application/x-ndjson;q=0", false),
            ("*/*", false),
            ("", false),
            (";;;,,, x", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_lines(&headers), expected, "{accept}");
        }
        assert!(!prefers_lines(&HeaderMap::new()));
    }
}
