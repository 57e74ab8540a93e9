//! Which paths the component answers.
//!
//! Spin's forms: `/exact`, `/with/:parameter`, and `/prefix/...` for everything below. A slash at
//! the end means nothing, in the route and in the path.

/// A route of an HTTP trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    text: String,
    segments: Vec<Segment>,
    everything_below: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Any,
}

/// A text that is no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a route: it has to start with a slash, and `...` may only be its last part, such as /... or /shop/:id"
)]
pub struct InvalidRoute(String);

impl TryFrom<String> for Route {
    type Error = InvalidRoute;

    fn try_from(text: String) -> Result<Self, InvalidRoute> {
        let parse = || {
            let path = text.strip_prefix('/')?;
            let wildcard = path == "..." || path.ends_with("/...") || path == "*" || path.ends_with("/*");
            let path = if wildcard { path.trim_end_matches(['.', '*']) } else { path };
            let path = path.strip_suffix('/').unwrap_or(path);
            let segments = path.split('/').filter(|_| !path.is_empty()).map(Segment::parse).collect::<Option<_>>()?;
            Some(Self { text: text.clone(), segments, everything_below: wildcard })
        };
        parse().ok_or_else(|| InvalidRoute(text.clone()))
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(':') {
            Some(name) => (!name.is_empty()).then_some(Self::Any),
            None => {
                (!text.is_empty() && !text.contains("...") && !text.contains('*')).then(|| Self::Exact(text.to_owned()))
            }
        }
    }

    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Exact(text) => text == part,
            Self::Any => !part.is_empty(),
        }
    }
}

impl Route {
    /// As it stands in the manifest.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Of several that match a path, the one for which this is greatest counts.
    pub(super) fn exactness(&self) -> (bool, usize) {
        (!self.everything_below, self.segments.len())
    }

    /// Whether the path of a request, percent-encoded as it came, belongs to this route.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        let mut parts = path.split('/').filter(|_| !path.is_empty());
        let matched = self.segments.iter().all(|segment| parts.next().is_some_and(|part| segment.matches(part)));
        matched && (self.everything_below || parts.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        Route::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn the_catch_all_takes_every_path() {
        for path in ["/", "/items/a", "/items/a//b", "//", "/items/%2F..."] {
            assert!(route("/...").matches(path), "{path}");
        }
    }

    #[test]
    fn routes_match_by_segment() {
        for (text, path, matches) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a/", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/ab", false),
            ("/a/...", "/a", true),
            ("/a/...", "/a/b/c", true),
            ("/a/...", "/ab", false),
            ("/a/:id", "/a/1", true),
            ("/a/:id", "/a", false),
            ("/a/:id/...", "/a/1/2", true),
        ] {
            assert_eq!(route(text).matches(path), matches, "{text} {path}");
        }
    }

    #[test]
    fn the_most_exact_of_several_counts() {
        let routes = ["/...", "/a/...", "/a", "/a/b/..."].map(route);
        let of = |path| routes.iter().filter(|route| route.matches(path)).max_by_key(|route| route.exactness());
        for (path, text) in [("/x", "/..."), ("/a", "/a"), ("/a/x", "/a/..."), ("/a/b/x", "/a/b/...")] {
            assert_eq!(of(path).map(Route::text), Some(text), "{path}");
        }
    }

    #[test]
    fn malformed_routes_are_refused() {
        for wrong in ["", "a", "...", "/.../a", "/a...", "/a//b", "/a/:", "/*/a"] {
            assert!(Route::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
