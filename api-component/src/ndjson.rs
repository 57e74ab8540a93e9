//! JSON line by line (`application/x-ndjson`), for answers that a client reads as they come.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Response};
use mediatype::{MediaTypeList, Name, ReadParams as _};
use serde::Serialize;

use crate::header;
use crate::write_outcome::document;

/// The media types of JSON lines; the first is the one that is answered.
const TYPES: [&str; 2] = ["application/x-ndjson", "application/ndjson"];

/// Whether a media type, without parameters, is that of JSON lines.
pub fn is_ndjson(essence: &str) -> bool {
    TYPES.iter().any(|name| essence.eq_ignore_ascii_case(name))
}

/// Whether the client names JSON lines in `Accept`, and does not like JSON better (RFC 9110
/// §12.5.1). What is no list of media types asks for nothing.
pub fn is_preferred(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut lines, mut json) = (0.0, 0.0);
    for range in texts.flat_map(MediaTypeList::new).flatten() {
        let quality = range.get_param(Name::new_unchecked("q")).map_or(Ok(1.0), |q| q.as_str().parse::<f32>());
        let (Ok(quality), essence) = (quality, range.essence().to_string()) else { continue };
        match essence.as_str() {
            essence if is_ndjson(essence) => lines = quality,
            essence if essence.eq_ignore_ascii_case("application/json") => json = quality,
            _ => {}
        }
    }
    lines > 0.0 && lines >= json
}

/// The answer with one document a line.
pub fn answer<T: Serialize>(documents: impl IntoIterator<Item = T>) -> Response<Bytes> {
    let mut body = Vec::new();
    for document in documents {
        serde_json::to_writer(&mut body, &document).expect("documents of strings and numbers always serialize");
        body.push(b'\n');
    }
    let mut response = document(&());
    *response.body_mut() = body.into();
    response.headers_mut().insert(CONTENT_TYPE, header::NDJSON);
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
            assert_eq!(is_preferred(&headers), expected, "{accept}");
        }
        assert!(!is_preferred(&HeaderMap::new()));
    }
}
