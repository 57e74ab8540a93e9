//! `GET /console`: a page for people, which does what it does through the API alone.
//!
//! The files of `console/` are in the component, compressed by the build script. They are below a path that
//! changes with any of them, so a browser keeps them for ever and asks for the page only. What the store
//! holds is hostile to that page; its `Content-Security-Policy` lets it run and load nothing but these files.

use std::sync::LazyLock;

use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::web::coding::{self, GZIP};
use crate::web::problem::{Kind, Problem};
use crate::web::{header, query};

/// The page among [`FILES`].
const PAGE: &str = "index.html";

/// The path of the other files, e.g. `/console/0a1b2c3d4e5f6071`.
const FOLDER: &str = env!("LARDER_CONSOLE_FOLDER");

/// Name and compressed bytes of each file.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// A path names the bytes of a file, and never others.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// What the browser may do for the page: run and load these files, speak to this store, show an image that the
/// page made of a value. No text becomes a script or markup (Trusted Types), and nobody frames the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// Headers that keep the page to itself, besides [`POLICY`].
const ISOLATION: [(HeaderName, HeaderValue); 3] = [
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

static TAG: LazyLock<ETag> = LazyLock::new(|| {
    let digest = Sha256::digest(PAGE_FILE.bytes);
    format!("\"{digest:x}\"").parse().expect("hexadecimal digits in quotes are an entity tag")
});

static PAGE_FILE: LazyLock<File> = LazyLock::new(|| File::named(PAGE).expect("the build script packs the page"));

/// A file of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    name: &'static str,
    bytes: &'static [u8],
}

/// Why the console is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConsole {
    /// The operator does not want it.
    #[error("The console is switched off here. The operator switches it on with console=true.")]
    Off,
    /// The client takes no compressed answer.
    #[error("The console comes compressed only; ask with Accept-Encoding: gzip, as browsers and curl --compressed do.")]
    NotCompressed,
}

impl From<NoConsole> for Problem {
    fn from(error: NoConsole) -> Self {
        let kind = match error {
            NoConsole::Off => Kind::NoSuchPath,
            NoConsole::NotCompressed => Kind::NotAcceptable,
        };
        Self::new(kind, error)
    }
}

impl File {
    /// The file that a path names: `/console` the page.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/console" | "/console/" => Some(*PAGE_FILE),
            _ => Self::named(path.strip_prefix(FOLDER)?.strip_prefix('/')?).filter(|file| file.name != PAGE),
        }
    }

    fn named(name: &str) -> Option<Self> {
        FILES.iter().find(|(known, _)| *known == name).map(|&(name, bytes)| Self { name, bytes })
    }

    fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self.name.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js" | "mjs")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "application/octet-stream",
        })
    }
}

/// Answers a file, or 304 where the client has the page.
///
/// # Errors
/// `not-acceptable` to a client that takes nothing compressed; `invalid-query`: it knows no parameter.
pub fn get<B>(request: &Request<B>, file: File) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    if !coding::accepts_gzip(request.headers()) {
        return Err(NoConsole::NotCompressed.into());
    }
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.extend(ISOLATION);
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if file == *PAGE_FILE {
        headers.insert(CACHE_CONTROL, header::REVALIDATE);
        headers.typed_insert(TAG.clone());
        if request.headers().typed_get::<IfNoneMatch>().is_some_and(|tags| !tags.precondition_passes(&TAG)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
    } else {
        headers.insert(CACHE_CONTROL, FOR_EVER);
    }
    headers.insert(CONTENT_TYPE, file.media_type());
    headers.insert(CONTENT_ENCODING, GZIP);
    *response.body_mut() = Bytes::from_static(file.bytes);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_file_or_nothing() {
        assert_eq!(File::at("/console").map(|file| file.name), Some(PAGE));
        assert_eq!(File::at(&format!("{FOLDER}/main.mjs")).map(|file| file.name), Some("main.mjs"));
        let others = ["/console/main.mjs", "/console/0123456789abcdef/main.mjs", "/consoles", "/console/index.html"];
        for other in others.into_iter().chain([FOLDER, &format!("{FOLDER}/{PAGE}"), &format!("{FOLDER}/x")]) {
            assert_eq!(File::at(other), None, "{other}");
        }
    }
}
