//! Which pages a browser lets speak to the store (Fetch standard, section "CORS protocol").
//!
//! A browser asks for this on behalf of its user; it protects no store from anybody else, tokens do
//! that. They travel in `Authorization`, so no answer ever allows credentials of the browser's own.
//!
//! By default no origin is allowed and no answer says a word of it. All of it is done here, around
//! the answer of the handler: errors too must be readable by the page that made them.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LOCATION, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};

use super::header;

/// Request headers that a page may set, besides metadata.
const REQUEST_HEADERS: [HeaderName; 11] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    header::IDEMPOTENCY_KEY,
    header::PREFER,
    header::MIN_REVISION,
    header::LAST_EVENT_ID,
    header::TRACEPARENT,
    header::TRACESTATE,
];

/// Response headers that a page may read, besides metadata and what it always may.
const RESPONSE_HEADERS: [HeaderName; 12] = [
    ETAG,
    header::REVISION,
    header::EXPIRES_AT,
    LOCATION,
    header::PREFERENCE_APPLIED,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    ALLOW,
    header::ACCEPT_PATCH,
    header::RATE_LIMIT,
    header::RATE_LIMIT_POLICY,
    header::SERVER_TIMING,
];

/// For how many seconds a browser may remember the answer to a preflight: the most that Chromium
/// does.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins whose pages may speak to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// These; perhaps none.
    These(Vec<HeaderValue>),
    /// Every one.
    Any,
}

/// A text that names no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no origin as a browser sends it; it must be * alone, or a list like https://app.example, http://localhost:8080, without a slash at the end"
)]
pub struct InvalidOrigin(String);

/// What the page behind a request will be told.
pub struct Told {
    /// Its origin, if it is allowed.
    origin: Option<HeaderValue>,
    /// Whether it depends on the origin.
    varies: bool,
    /// The headers that it would like to send, where this only asks what is allowed.
    preflight: Option<Vec<HeaderName>>,
}

impl Origins {
    /// Reads the variable `cors_origins`: `*`, or origins with commas or spaces between them.
    ///
    /// # Errors
    /// [`InvalidOrigin`] names the first that is none.
    pub fn parse(variable: &str) -> Result<Self, InvalidOrigin> {
        if variable.trim() == "*" {
            return Ok(Self::Any);
        }
        let texts = variable.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty());
        let origins = texts.map(|text| origin(text).ok_or_else(|| InvalidOrigin(text.escape_debug().to_string())));
        origins.collect::<Result<_, _>>().map(Self::These)
    }

    /// Finds out whom the answer to `request` is for; `None` where no origin is allowed at all.
    pub fn told<B>(&self, request: &Request<B>) -> Option<Told> {
        let headers = request.headers();
        let (origin, varies) = match self {
            Self::These(origins) if origins.is_empty() => return None,
            Self::These(origins) => (headers.get(ORIGIN).filter(|origin| origins.contains(origin)).cloned(), true),
            Self::Any => (Some(HeaderValue::from_static("*")), false),
        };
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        Some(Told { origin, varies, preflight: is_preflight.then(|| wishes(headers)) })
    }
}

impl Told {
    /// Adds to the answer what the browser looks for.
    pub fn tell(self, response: &mut Response<Bytes>) {
        let succeeded = response.status().is_success();
        let headers = response.headers_mut();
        if self.varies {
            headers.append(VARY, HeaderValue::from_name(ORIGIN));
        }
        let Some(origin) = self.origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        match self.preflight {
            Some(wishes) if succeeded => {
                if let Some(methods) = headers.get(ALLOW).cloned() {
                    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
                }
                let metadata = wishes.iter().filter(|name| is_metadata(name));
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, list(REQUEST_HEADERS.iter().chain(metadata)));
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
            _ => {
                let exposed = list(RESPONSE_HEADERS.iter().chain(headers.keys().filter(|name| is_metadata(name))));
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
        }
    }
}

/// An origin in the one form in which a browser sends it: lower case, no path, no usual port.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let usual_port = matches!((scheme, authority.port_u16()), ("http", Some(80)) | ("https", Some(443)));
    let plain = format!("{scheme}://{authority}").to_ascii_lowercase();
    if plain != text || usual_port || authority.as_str().contains(['@', '*']) {
        return None;
    }
    HeaderValue::from_str(text).ok()
}

fn wishes(headers: &HeaderMap) -> Vec<HeaderName> {
    let lists = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

fn is_metadata(name: &HeaderName) -> bool {
    name.as_str().starts_with(header::METADATA_PREFIX)
}

fn list<'a>(names: impl Iterator<Item = &'a HeaderName>) -> HeaderValue {
    let names: Vec<_> = names.map(HeaderName::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).expect("names of headers are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        let these = |variable: &str| match Origins::parse(variable) {
            Ok(Origins::These(origins)) => Ok(origins),
            Ok(Origins::Any) => panic!("any"),
            Err(InvalidOrigin(text)) => Err(text),
        };
        assert_eq!(these(" "), Ok(vec![]));
        let three = "https://app.example, http://localhost:8080\ncapacitor://localhost";
        assert_eq!(these(three).unwrap(), ["https://app.example", "http://localhost:8080", "capacitor://localhost"]);
        assert_eq!(Origins::parse(" * "), Ok(Origins::Any));
        for wrong in [
            "https://app.example/",
            "https://App.example",
            "https://app.example:443",
            "http://app.example:80",
            "https://me@app.example",
            "https://*.example",
            "https://app.example?",
            "https://",
            "app.example",
            "localhost:8080",
            "null",
            "*",
        ] {
            assert_eq!(these(&format!("https://ok.example {wrong}")), Err(wrong.to_owned()));
        }
    }
}
