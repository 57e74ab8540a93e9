//! The members of an entry: each knows what it has to look like.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::ItemId;

/// A text that is no such member; it says what would be right, and does not quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be {0}")]
pub struct Invalid(&'static str);

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To read items, and the outcomes of writes.
    Read,
    /// To write and delete items, and to learn what became of it.
    Write,
    /// To list ids.
    List,
    /// To see which check of readiness fails.
    Admin,
}

/// Who bears a token: 1 to 64 of `A-Z a-z 0-9 . _ -`. So it fits into a log line, and into a Redis
/// key without an escape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

/// SHA-256 of a token, in 64 hexadecimal digits. Two of them compare in constant time.
#[derive(Clone, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

/// What the ids start with that a token reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Prefix(String);

/// How many requests: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct Requests(u32);

/// The moment from which on a token is worth nothing, in RFC 3339, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expiry(SystemTime);

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::List, Self::Admin];

    pub(super) const RIGHT: &str = "an array of one or more of read, write, list and admin";

    /// As it is configured, and as `WWW-Authenticate` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Admin => "admin",
        }
    }
}

impl Name {
    pub(super) const RIGHT: &str = "1 to 64 of the characters A-Z a-z 0-9 . _ -";

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Digest {
    pub(super) const RIGHT: &str = "64 hexadecimal digits, the SHA-256 of the token";

    /// The digest of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(format!("{:x}", Sha256::digest(token)))
    }
}

impl Prefix {
    pub(super) const RIGHT: &str = "an array of one or more strings that an id can start with";

    /// The prefix itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Requests {
    pub(super) const RIGHT: &str = "a whole number from 1 to 1000000";

    /// How many.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Expiry {
    pub(super) const RIGHT: &str = "a moment in UTC like 2027-01-01T00:00:00Z";

    /// Whether it has come.
    #[must_use]
    pub fn is_past(self, now: SystemTime) -> bool {
        self.0 <= now
    }

    /// How long it is until then.
    #[must_use]
    pub fn left(self, now: SystemTime) -> Duration {
        self.0.duration_since(now).unwrap_or_default()
    }
}

impl FromStr for Scope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(Invalid("read, write, list or admin"))
    }
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let right = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        right.then(|| Self(text.to_owned())).ok_or(Invalid(Self::RIGHT))
    }
}

impl FromStr for Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let right = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        right.then(|| Self(text.to_ascii_lowercase())).ok_or(Invalid(Self::RIGHT))
    }
}

impl FromStr for Prefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid("what an id can start with: 1 to 512 bytes without control characters");
        ItemId::new(text).map(|_| Self(text.to_owned())).map_err(|_| invalid)
    }
}

impl TryFrom<u32> for Requests {
    type Error = Invalid;

    fn try_from(number: u32) -> Result<Self, Invalid> {
        (1..=1_000_000).contains(&number).then_some(Self(number)).ok_or(Invalid(Self::RIGHT))
    }
}

impl FromStr for Requests {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<u32>().map_err(|_| Invalid(Self::RIGHT))?.try_into()
    }
}

impl FromStr for Expiry {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        humantime::parse_rfc3339(text).map(Self).map_err(|_| Invalid(Self::RIGHT))
    }
}

impl From<SystemTime> for Expiry {
    fn from(time: SystemTime) -> Self {
        Self(time)
    }
}

/// serde reads a member with its `FromStr`.
macro_rules! read_from_string {
    ($($member:ty)*) => {$(
        impl TryFrom<String> for $member {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }
    )*};
}

read_from_string!(Name Digest Prefix Expiry);

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        humantime::format_rfc3339_seconds(expiry.0).to_string()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not for logs.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The vector "abc" of FIPS 180-2; `printf abc | sha256sum` tells the same.
    #[test]
    fn a_digest_is_what_sha256sum_prints() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc").to_string(), abc);
        assert_eq!(abc.to_uppercase().parse(), Ok(Digest::of("abc")));
        assert_ne!(Digest::of("abc"), Digest::of("abd"));
        assert_eq!(format!("{:?}", Digest::of("abc")), "Digest(…)");
    }

    #[test]
    fn a_token_is_worth_nothing_from_its_expiry_on() {
        let expiry: Expiry = "1970-01-01T00:01:00Z".parse().unwrap();
        assert!(!expiry.is_past(UNIX_EPOCH + Duration::from_millis(59_999)));
        assert!(expiry.is_past(UNIX_EPOCH + Duration::from_secs(60)));
    }
}
