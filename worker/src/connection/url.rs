//! Where Redis is, and how to log in there, without ever showing the password.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use redis::{ConnectionAddr, ConnectionInfo};

/// A valid Redis URL. It prints as the address alone.
#[derive(Clone)]
pub struct RedisUrl(ConnectionInfo);

/// Reads a [`RedisUrl`] for clap, whose own message about a wrong value would repeat it, password
/// included.
#[derive(Clone)]
pub struct RedisUrlParser;

/// Why a text is no [`RedisUrl`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    #[error("it asks not to check the certificate; name the authority that signed it with --redis-ca instead")]
    Insecure,
    #[error("{0}; a Redis URL looks like redis://user:password@host:6379/0, special characters percent-encoded")]
    Malformed(String),
}

impl RedisUrl {
    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self.0.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// What the client library needs to connect.
    pub fn connection_info(&self) -> ConnectionInfo {
        self.0.clone()
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let info: ConnectionInfo = text.parse().map_err(|error: redis::RedisError| {
            // The library appends its kind of error, which says nothing here.
            let text = error.to_string();
            InvalidRedisUrl::Malformed(text.split(" - ").next().unwrap_or_default().to_owned())
        })?;
        match info.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => Err(InvalidRedisUrl::Insecure),
            _ => Ok(Self(info)),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.addr() {
            ConnectionAddr::Unix(path) => write!(f, "redis+unix://{}", path.display()),
            address @ ConnectionAddr::TcpTls { .. } => write!(f, "rediss://{address}"),
            address => write!(f, "redis://{address}"),
        }?;
        match self.0.redis_settings().db() {
            0 => Ok(()),
            db => write!(f, "/{db}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TypedValueParser for RedisUrlParser {
    type Value = RedisUrl;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<RedisUrl, clap::Error> {
        value.to_string_lossy().parse().map_err(|reason: InvalidRedisUrl| {
            let message = format!("invalid value for '--redis <URL>' or LARDER_REDIS: {reason}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_prints_without_credentials() {
        for (url, printed) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379"),
            ("redis://user:s3cret@redis.example:7000/3", "redis://redis.example:7000/3"),
            ("rediss://user:s3cret@redis.example", "rediss://redis.example:6379"),
            ("redis+unix:///run/redis.sock?db=2&pass=s3cret", "redis+unix:///run/redis.sock/2"),
        ] {
            let url: RedisUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), printed);
            assert_eq!(format!("{url:?}"), printed);
        }
    }

    #[test]
    fn what_is_no_redis_url_is_refused() {
        for wrong in ["", "127.0.0.1:6379", "http://host", "redis://host/db", "redis://", "redis://:pa/ss@host"] {
            assert!(matches!(wrong.parse::<RedisUrl>(), Err(InvalidRedisUrl::Malformed(_))), "{wrong}");
        }
        assert_eq!("rediss://host/#insecure".parse::<RedisUrl>().unwrap_err(), InvalidRedisUrl::Insecure);
    }
}
