//! Who may do what: the token of a request (RFC 6750), and what it allows.
//!
//! [`Tokens::admit`] tells who asks, with the request's head alone. Each resource then asks
//! [`Access`] for what it needs, before it looks at query or body. A store without tokens is open:
//! everybody may do everything there.

mod denied;

use std::time::{Duration, SystemTime};

use headers::HeaderMapExt;
use headers::authorization::{Authorization, Bearer};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use larder_protocol::ItemId;
use larder_protocol::token::{self, Digest, Entry, InvalidEntries, Scope};

pub use denied::{Denied, Unauthorized};

/// The tokens that are valid here; none at all in an open store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens(Vec<Entry>);

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<'a> {
    /// Everything: the store is open.
    Open,
    /// What its token allows.
    Token(&'a Entry),
    /// Nothing: it has no valid token, and asked for what is there for everybody.
    Stranger,
}

impl Tokens {
    /// Reads the variable `api_tokens`; an empty one makes an open store.
    ///
    /// # Errors
    /// [`InvalidEntries`], which quotes nothing of it.
    pub fn parse(variable: &str) -> Result<Self, InvalidEntries> {
        if variable.trim().is_empty() { Ok(Self(vec![])) } else { token::parse(variable).map(Self) }
    }

    /// There are none: everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds out who asks.
    ///
    /// # Errors
    /// [`Denied::Unauthorized`] where there is no token, or none that is valid now. The clock is
    /// a call of the host, so only a token that expires asks for it.
    pub fn admit(&self, headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Result<Access<'_>, Denied> {
        if self.is_open() {
            return Ok(Access::Open);
        }
        if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err(Unauthorized::Repeated.into());
        }
        let presented = headers.typed_get::<Authorization<Bearer>>().ok_or(Unauthorized::NoToken)?;
        let digest = Digest::of(presented.token());
        // All of them, always, so that the time tells nothing of which one matched.
        let found = self.0.iter().fold(None, |found, entry| if entry.digest == digest { Some(entry) } else { found });
        let entry = found.ok_or(Unauthorized::Unknown)?;
        if entry.expires.is_some_and(|expiry| expiry.is_past(now())) {
            return Err(Unauthorized::Expired.into());
        }
        Ok(Access::Token(entry))
    }
}

impl Access<'_> {
    /// # Errors
    /// [`Denied::InsufficientScope`] where the token does not have `scope`.
    pub fn require(&self, scope: Scope) -> Result<(), Denied> {
        match self {
            Self::Open => Ok(()),
            Self::Token(entry) if entry.scopes.contains(&scope) => Ok(()),
            Self::Token(_) => Err(Denied::InsufficientScope(scope)),
            Self::Stranger => Err(Unauthorized::NoToken.into()),
        }
    }

    /// Asks for an id, or for all ids that start with this text. It says nothing of scopes.
    ///
    /// # Errors
    /// [`Denied::OutsidePrefix`] where the token does not reach them.
    pub fn reach(&self, id_or_prefix: &str) -> Result<(), Denied> {
        match self {
            Self::Open => Ok(()),
            Self::Token(entry) if entry.reaches(id_or_prefix) => Ok(()),
            Self::Token(entry) => Err(Denied::OutsidePrefix(entry.prefixes.clone())),
            Self::Stranger => Err(Unauthorized::NoToken.into()),
        }
    }

    /// What an operation on one item needs.
    ///
    /// # Errors
    /// As [`Access::require`] and [`Access::reach`], in that order.
    pub fn permit(&self, scope: Scope, id: &ItemId) -> Result<(), Denied> {
        self.require(scope)?;
        self.reach(id.as_str())
    }

    /// How long its token is still good; `None` where it does not expire.
    #[must_use]
    pub fn left(&self, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
        match self {
            Self::Token(entry) => entry.expires.map(|expiry| expiry.left(now())),
            Self::Open | Self::Stranger => None,
        }
    }

    /// Whose the request is: the name of its token, empty in an open store. A token that replaces
    /// another under the same name is the same owner.
    #[must_use]
    pub fn owner(&self) -> &str {
        match self {
            Self::Token(entry) => entry.name.as_str(),
            Self::Open | Self::Stranger => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::HeaderValue;

    use super::*;

    fn tokens() -> Tokens {
        let of = |token, rest| format!(r#"{{"name":"ci","digest":"{}",{rest}}}"#, Digest::of(token));
        let limited = of("old", r#""scopes":["read"],"prefixes":["ci/","x"],"expires":"1970-01-01T00:01:00Z""#);
        Tokens::parse(&format!("[{limited},{}]", of("new", r#""scopes":["write","list"]"#))).unwrap()
    }

    fn admit<'a>(tokens: &'a Tokens, values: &[&'static str], at: u64) -> Result<Access<'a>, Unauthorized> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        tokens.admit(&headers, || UNIX_EPOCH + Duration::from_secs(at)).map_err(|denied| match denied {
            Denied::Unauthorized(why) => why,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn a_token_is_known_by_its_digest_and_worth_nothing_once_expired() {
        let tokens = tokens();
        assert!(matches!(admit(&tokens, &["Bearer old"], 59), Ok(Access::Token(_))));
        assert_eq!(admit(&tokens, &["Bearer old"], 60), Err(Unauthorized::Expired));
        assert!(matches!(admit(&tokens, &["bEARER   new"], 60), Ok(Access::Token(_))));
        assert_eq!(admit(&tokens, &["Bearer old", "Bearer new"], 0), Err(Unauthorized::Repeated));
        for wrong in ["Bearer ol", "Bearer old new", "Bearer old,", "Bearer OLD", "Bearer \"old\""] {
            assert_eq!(admit(&tokens, &[wrong], 0), Err(Unauthorized::Unknown), "{wrong}");
        }
        for none in ["", "Bearer", "Bearerold", "old", "Basic b2xkOm9sZA==", "Digest old"] {
            assert_eq!(admit(&tokens, &[none], 0), Err(Unauthorized::NoToken), "{none}");
        }
        assert_eq!(admit(&tokens, &[], 0), Err(Unauthorized::NoToken));
    }

    #[test]
    fn a_token_allows_its_scopes_on_its_prefixes() {
        let tokens = tokens();
        let (old, new) = (admit(&tokens, &["Bearer old"], 0).unwrap(), admit(&tokens, &["Bearer new"], 0).unwrap());
        assert!(old.require(Scope::Read).is_ok() && new.require(Scope::List).is_ok());
        assert!(matches!(old.require(Scope::Write), Err(Denied::InsufficientScope(Scope::Write))));
        assert!(matches!(new.require(Scope::Read), Err(Denied::InsufficientScope(Scope::Read))));
        for (text, reached) in
            [("ci/", true), ("ci/a", true), ("xy", true), ("ci", false), ("a/ci/", false), ("", false)]
        {
            assert_eq!(old.reach(text).is_ok(), reached, "{text}");
            assert!(new.reach(text).is_ok());
        }
        assert_eq!((old.owner(), new.owner()), ("ci", "ci"));
    }

    #[test]
    fn without_tokens_the_store_is_open_and_a_stranger_may_nothing() {
        let open = Tokens::parse(" \n").unwrap();
        for values in [&[][..], &["Bearer x", "Bearer y"]] {
            assert_eq!(admit(&open, values, 0), Ok(Access::Open));
        }
        for scope in Scope::ALL {
            assert!(Access::Open.require(scope).is_ok() && Access::Stranger.require(scope).is_err());
        }
        assert!(Access::Open.reach("").is_ok() && Access::Stranger.reach("a").is_err());
        assert!(Tokens::parse("[]").is_err() && Tokens::parse("null").is_err());
    }
}
