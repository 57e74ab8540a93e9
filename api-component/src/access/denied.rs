//! Why a request may not do what it asks for.

use std::fmt;

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use larder_protocol::token::{Prefix, Scope};

use crate::web::problem::{Kind, Problem};

/// What a request is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A valid token.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// A scope of its token.
    #[error("The access token does not have the scope {0}, which this needs.")]
    InsufficientScope(Scope),
    /// A prefix of its token; these are those it has.
    #[error("The access token only reaches what starts with {}.", Alternatives(.0))]
    OutsidePrefix(Vec<Prefix>),
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorized {
    /// It has no token.
    #[error("This needs an access token; send it as Authorization: Bearer <token>.")]
    NoToken,
    /// It has more than one `Authorization` header.
    #[error("There is more than one Authorization header; send one.")]
    Repeated,
    /// There is no such token.
    #[error("The access token is not valid here.")]
    Unknown,
    /// Its token was good once.
    #[error("The access token has expired.")]
    Expired,
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let (kind, challenge) = match &denied {
            Denied::Unauthorized(why) => (Kind::Unauthorized, Some(HeaderValue::from_static(why.challenge()))),
            Denied::InsufficientScope(scope) => {
                let challenge = format!("{REALM}, error=\"insufficient_scope\", scope=\"{scope}\"");
                (Kind::InsufficientScope, Some(HeaderValue::from_str(&challenge).expect("a scope is ASCII")))
            }
            Denied::OutsidePrefix(_) => (Kind::OutsidePrefix, None),
        };
        let problem = Self::new(kind, denied);
        match challenge {
            Some(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
            None => problem,
        }
    }
}

const REALM: &str = "Bearer realm=\"larder\"";

impl Unauthorized {
    /// The value of `WWW-Authenticate`. An error is named only where there was a token (RFC 6750
    /// section 3.1).
    fn challenge(self) -> &'static str {
        match self {
            Self::NoToken => REALM,
            Self::Repeated | Self::Unknown | Self::Expired => "Bearer realm=\"larder\", error=\"invalid_token\"",
        }
    }
}

/// Prefixes of ids, for a sentence.
struct Alternatives<'a>(&'a [Prefix]);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<_> = self.0.iter().map(|prefix| format!("\"{}\"", prefix.as_str())).collect();
        f.write_str(&quoted.join(" or "))
    }
}
