//! Access tokens: what an operator configures of them, and nothing that could be stolen.
//!
//! ```text
//! [{"name":"ci","digest":"<64 hex digits>","scopes":["read","write"],"prefixes":["ci/"],
//!   "expires":"2027-01-01T00:00:00Z"}]
//! ```
//!
//! A token is a random string that only its bearer has; the store knows its SHA-256. A digest
//! without salt and stretching is enough, as nobody can guess 32 random bytes. The worker's
//! `token new` writes such an entry, and the component reads the list of them.
//!
//! Whoever can read the log shall not learn from it what somebody put into the wrong place. So an
//! error tells the number of the entry, the member, and what would be right, and never quotes.

mod member;

use std::collections::{BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub use member::{Digest, Expiry, Invalid, Name, Prefix, Requests, Scope};

/// What every token that Larder makes starts with, so that scanners for leaked secrets know one.
pub const TOKEN_PREFIX: &str = "larder_";

/// Random bytes in a token.
pub const TOKEN_BYTES: usize = 32;

/// What is configured of one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Who bears it. Several tokens may share a name, so that a new one can replace an old one.
    pub name: Name,
    /// What is known of the token itself.
    pub digest: Digest,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// The ids that it reaches start with one of these; without any, it reaches all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<Prefix>,
    /// The moment from which on it is worth nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
    /// Requests that the tokens of this name may send in a second; any number without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Requests>,
    /// Requests that they may send at once; as many as in a second without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Requests>,
}

/// How often the tokens of a name may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests in a second.
    pub rate: Requests,
    /// Requests at once.
    pub burst: Requests,
}

impl Entry {
    /// How often the token may ask; `None` where that is not limited.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.rate.map(|rate| Limit { rate, burst: self.burst.unwrap_or(rate) })
    }

    /// Whether the token reaches an id, or all ids that start with this text.
    #[must_use]
    pub fn reaches(&self, id_or_prefix: &str) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| id_or_prefix.starts_with(prefix.as_str()))
    }
}

/// Why a list of entries cannot be used. Entries count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntries {
    /// Not JSON, or no array.
    #[error("it must be a JSON array of entries; it is not at line {line}, column {column}")]
    NoArray {
        /// Where.
        line: usize,
        /// Where in the line, in bytes.
        column: usize,
    },
    /// An array without entries: it would shut everybody out, or let everybody in.
    #[error("it has no entry; for an open store leave the variable empty")]
    Empty,
    /// Not an object, or one with a member that is unknown or comes twice.
    #[error(
        "entry {0} must be an object with name, digest and scopes, perhaps prefixes, expires, rate and burst, each once"
    )]
    Malformed(usize),
    /// A member that must be there is not.
    #[error("entry {0} has no {1}")]
    Missing(usize, &'static str),
    /// A member that cannot be used.
    #[error("entry {0}: {1} must be {2}")]
    Member(usize, &'static str, &'static str),
    /// One token twice.
    #[error("the entries {0} and {1} have the same digest")]
    SameDigest(usize, usize),
}

/// An entry as it is written, so that each member can be judged by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default, deserialize_with = "present")]
    name: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    digest: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    scopes: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    prefixes: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    expires: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    rate: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    burst: Option<Value>,
}

/// Without this, a member that is null would count as one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads the list of all tokens.
///
/// # Errors
/// [`InvalidEntries`] for the first thing that is wrong.
pub fn parse(json: &str) -> Result<Vec<Entry>, InvalidEntries> {
    let written: Vec<&RawValue> = serde_json::from_str(json)
        .map_err(|error| InvalidEntries::NoArray { line: error.line(), column: error.column() })?;
    let entries: Vec<_> =
        written.iter().zip(1..).map(|(text, number)| entry(text, number)).collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Err(InvalidEntries::Empty);
    }
    let mut seen = HashMap::new();
    for (entry, number) in entries.iter().zip(1..) {
        if let Some(earlier) = seen.insert(entry.digest.to_string(), number) {
            return Err(InvalidEntries::SameDigest(earlier, number));
        }
    }
    Ok(entries)
}

fn entry(text: &RawValue, number: usize) -> Result<Entry, InvalidEntries> {
    let form: Form = serde_json::from_str(text.get()).map_err(|_| InvalidEntries::Malformed(number))?;
    let missing = |member| InvalidEntries::Missing(number, member);
    let wrong = |member, right| InvalidEntries::Member(number, member, right);
    if form.rate.is_none() && form.burst.is_some() {
        return Err(missing("rate, and a burst needs one"));
    }
    let requests = |value, name| member(value).map(|n: Option<_>| n.ok_or(wrong(name, Requests::RIGHT))).transpose();
    Ok(Entry {
        name: member(form.name).ok_or(missing("name"))?.ok_or(wrong("name", Name::RIGHT))?,
        digest: member(form.digest).ok_or(missing("digest"))?.ok_or(wrong("digest", Digest::RIGHT))?,
        scopes: members(form.scopes).ok_or(missing("scopes"))?.ok_or(wrong("scopes", Scope::RIGHT))?,
        prefixes: members(form.prefixes).unwrap_or(Some(vec![])).ok_or(wrong("prefixes", Prefix::RIGHT))?,
        expires: member(form.expires).map(|time| time.ok_or(wrong("expires", Expiry::RIGHT))).transpose()?,
        rate: requests(form.rate, "rate")?,
        burst: requests(form.burst, "burst")?,
    })
}

/// `None` where it is not there, `Some(None)` where it cannot be used.
fn member<T: DeserializeOwned>(value: Option<Value>) -> Option<Option<T>> {
    value.map(|value| serde_json::from_value(value).ok())
}

/// The same for an array, which must have at least one element.
fn members<T: DeserializeOwned, C: FromIterator<T>>(value: Option<Value>) -> Option<Option<C>> {
    let values: Option<Option<Vec<T>>> = member(value);
    values.map(|values| values.filter(|values| !values.is_empty()).map(C::from_iter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(token: &str) -> String {
        Digest::of(token).to_string()
    }

    /// An entry with `change` in the place of the member that it starts with.
    fn changed(member: &str, change: &str) -> String {
        let digest = format!("\"{}\"", digest("a"));
        let members = [("name", "\"ci\""), ("digest", digest.as_str()), ("scopes", "[\"read\"]")];
        let kept =
            members.iter().filter(|(name, _)| *name != member).map(|(name, value)| format!("\"{name}\":{value}"));
        let all: Vec<_> = kept.chain([change.to_owned()]).filter(|text| !text.is_empty()).collect();
        format!("[{{{}}}]", all.join(","))
    }

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        let json = format!(
            r#"[{{"name":"ci","digest":"{}","scopes":["read","list"],"prefixes":["ci/","a b"],"expires":"2027-01-01T00:00:00Z","rate":10,"burst":50}},{{"name":"ci","digest":"{}","scopes":["admin"]}}]"#,
            digest("a"),
            digest("b")
        );
        let entries = parse(&json).unwrap();
        assert_eq!(serde_json::to_string(&entries).unwrap(), json);
        assert_eq!(entries[0].scopes, BTreeSet::from([Scope::Read, Scope::List]));
        assert_eq!((entries[1].prefixes.len(), entries[1].expires, entries[1].limit()), (0, None, None));
        let limit = entries[0].limit().unwrap();
        assert_eq!((limit.rate.get(), limit.burst.get()), (10, 50));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_quoted() {
        let long = format!("\"name\":\"{}\"", "n".repeat(65));
        let secret = "larder_s3cret";
        for (member, change, says) in [
            ("name", "", "entry 1 has no name"),
            ("digest", "", "entry 1 has no digest"),
            ("scopes", "", "entry 1 has no scopes"),
            ("name", "\"name\":\"\"", "entry 1: name must be 1 to 64"),
            ("name", "\"name\":null", "entry 1: name must be 1 to 64"),
            ("name", "\"name\":\"s3cret:\"", "entry 1: name must be 1 to 64"),
            ("name", &long, "entry 1: name must be 1 to 64"),
            ("digest", "\"digest\":\"larder_s3cret\"", "entry 1: digest must be 64 hexadecimal digits"),
            ("scopes", "\"scopes\":[]", "entry 1: scopes must be an array"),
            ("scopes", "\"scopes\":\"s3cret\"", "entry 1: scopes must be an array"),
            ("scopes", "\"scopes\":[\"read\",\"s3cret\"]", "read, write, list and admin"),
            ("", "\"prefixes\":[]", "entry 1: prefixes must be an array"),
            ("", "\"prefixes\":null", "entry 1: prefixes must be an array"),
            ("", "\"prefixes\":[\"\"]", "entry 1: prefixes must be an array"),
            ("", "\"expires\":null", "entry 1: expires must be a moment in UTC"),
            ("", "\"expires\":1798761600", "entry 1: expires must be a moment in UTC"),
            ("", "\"expires\":\"2027-01-01\"", "like 2027-01-01T00:00:00Z"),
            ("", "\"expires\":\"2027-01-01T00:00:00+01:00\"", "like 2027-01-01T00:00:00Z"),
            ("", "\"burst\":5", "entry 1 has no rate, and a burst needs one"),
            ("", "\"rate\":0", "entry 1: rate must be a whole number from 1 to 1000000"),
            ("", "\"rate\":\"s3cret\"", "entry 1: rate must be a whole number"),
            ("", "\"rate\":1.5", "entry 1: rate must be a whole number"),
            ("", "\"rate\":1,\"burst\":1000001", "entry 1: burst must be a whole number"),
            ("", "\"s3cret\":1", "entry 1 must be an object with name"),
            ("", "\"name\":\"s3cret\"", "each once"),
        ] {
            let error = parse(&changed(member, change)).unwrap_err().to_string();
            assert!(error.contains(says), "{change}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        for (json, says) in [
            (secret, "must be a JSON array of entries; it is not at line 1, column 1"),
            ("{\"s3cret\":1}", "must be a JSON array of entries"),
            ("[\"s3cret\"]", "entry 1 must be an object"),
            ("[]", "it has no entry; for an open store leave the variable empty"),
            ("[{},]", "it is not at line 1"),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("s3cret"), "{json}: {error}");
        }
    }

    #[test]
    fn one_token_has_one_entry() {
        let one = changed("", "");
        let both = format!("{},{}", one.trim_end_matches(']'), one.trim_start_matches('['));
        assert_eq!(parse(&both), Err(InvalidEntries::SameDigest(1, 2)));
        let shouted = both.replace(&digest("a"), &digest("a").to_uppercase());
        assert_eq!(parse(&shouted), Err(InvalidEntries::SameDigest(1, 2)));
    }
}
