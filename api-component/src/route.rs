//! Which resource a path names, and which methods that resource answers.

use std::fmt;

use http::HeaderValue;
use http::header::ALLOW;
use larder_protocol::item_id::InvalidItemId;
use larder_protocol::revision::InvalidRevision;
use larder_protocol::{ItemId, Revision};
use percent_encoding::percent_decode_str;

use crate::service::console;
use crate::web::problem::{Kind, Problem};

/// What a path names.
#[derive(Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(name(Resource), derive(strum::EnumIter))]
#[strum_discriminants(doc = "A [`Route`] without the name in it.")]
pub enum Route {
    /// `/items`: all of them.
    Items,
    /// `/items/{id}`; everything behind the second slash is the id.
    Item(ItemId),
    /// `/changes`: what happens to all of them.
    Changes,
    /// `/writes/{revision}`.
    Write(Revision),
    /// `/health/live`.
    Live,
    /// `/health/ready`.
    Ready,
    /// `/openapi.json`.
    OpenApi,
    /// `/console`: the page for people, and its other files.
    Console(console::File),
}

/// The item that cannot be written with `POST`, because `POST /items/get` reads many.
pub const BULK_READ: &str = "get";

/// The methods that a resource answers, as `Allow` lists them (RFC 9110 §10.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods(&'static str);

const ITEM_METHODS: Methods = Methods("GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS");
const ITEMS_METHODS: Methods = Methods("GET, HEAD, POST, OPTIONS");
const READ_METHODS: Methods = Methods("GET, HEAD, OPTIONS");

/// A path that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// No resource is there.
    #[error("There is nothing at this path. Items are at /items/{{id}}, writes at /writes/{{revision}}.")]
    NoSuchPath,
    /// It would be an item's, with another id.
    #[error(transparent)]
    ItemId(#[from] InvalidItemId),
    /// It would be a write's, with another revision.
    #[error(transparent)]
    Revision(#[from] InvalidRevision),
}

/// A method that the resource does not answer; it answers these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This resource answers {0}.")]
pub struct MethodNotAllowed(pub Methods);

impl From<NoRoute> for Problem {
    fn from(error: NoRoute) -> Self {
        match error {
            NoRoute::NoSuchPath => Self::new(Kind::NoSuchPath, error),
            NoRoute::ItemId(error) => error.into(),
            NoRoute::Revision(error) => error.into(),
        }
    }
}

impl From<MethodNotAllowed> for Problem {
    fn from(error: MethodNotAllowed) -> Self {
        Self::new(Kind::MethodNotAllowed, error).with_header(ALLOW, error.0.into())
    }
}

impl Route {
    /// Finds the resource for a path as it stands in the request, percent-encoded.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn of(path: &str) -> Result<Self, NoRoute> {
        if let Some(id) = path.strip_prefix("/items/") {
            return Ok(Self::Item(ItemId::from_path(id)?));
        }
        if let Some(revision) = path.strip_prefix("/writes/") {
            return Ok(Self::Write(percent_decode_str(revision).decode_utf8_lossy().parse()?));
        }
        match path {
            "/items" => Ok(Self::Items),
            "/changes" => Ok(Self::Changes),
            "/health/live" => Ok(Self::Live),
            "/health/ready" => Ok(Self::Ready),
            "/openapi.json" => Ok(Self::OpenApi),
            _ => console::File::at(path).map(Self::Console).ok_or(NoRoute::NoSuchPath),
        }
    }

    /// Whether it takes a token to reach the resource, and the request counts for its rate.
    #[must_use]
    pub fn takes_token(&self) -> bool {
        match self {
            Self::Items | Self::Item(_) | Self::Changes | Self::Write(_) => true,
            Self::Live | Self::Ready | Self::OpenApi | Self::Console(_) => false,
        }
    }

    /// The methods that the resource answers.
    #[must_use]
    pub fn methods(&self) -> Methods {
        match self {
            Self::Item(_) => ITEM_METHODS,
            Self::Items => ITEMS_METHODS,
            Self::Changes | Self::Write(_) | Self::Live | Self::Ready | Self::OpenApi | Self::Console(_) => {
                READ_METHODS
            }
        }
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Methods> for HeaderValue {
    fn from(methods: Methods) -> Self {
        Self::from_static(methods.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_behind_items_is_the_id() {
        let id = |id: &str| Route::Item(ItemId::new(id).unwrap());
        assert_eq!(Route::of("/items/a").unwrap(), id("a"));
        assert_eq!(Route::of("/items/a/b//c/").unwrap(), id("a/b//c/"));
        assert_eq!(Route::of("/items/a%2Fb%20%F0%9F%A6%80").unwrap(), id("a/b 🦀"));
        assert_eq!(Route::of("/items/100%25").unwrap(), id("100%"));
        assert!(matches!(Route::of("/items/"), Err(NoRoute::ItemId(_))));
    }

    #[test]
    fn other_paths_are_named_or_unknown() {
        assert!(matches!(Route::of("/writes/7-1-0"), Ok(Route::Write(_))));
        assert_eq!(Route::of("/writes/7%2D1-0").unwrap(), Route::of("/writes/7-1-0").unwrap());
        assert!(matches!(Route::of("/writes/7"), Err(NoRoute::Revision(_))));
        assert_eq!(Route::of("/changes").unwrap(), Route::Changes);
        assert_eq!(Route::of("/health/live").unwrap(), Route::Live);
        assert_eq!(Route::of("/openapi.json").unwrap(), Route::OpenApi);
        assert!(matches!(Route::of("/console"), Ok(Route::Console(_))));
        for path in ["/", "/writes", "/health", "/health/live/", "/itemsx", "/console/x"] {
            assert!(matches!(Route::of(path), Err(NoRoute::NoSuchPath)), "{path}");
        }
    }
}
