//! Where Redis is, and how to log in there, without ever showing the password.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use redis::{ConnectionAddr, ConnectionInfo};

/// A valid Redis URL of one or more addresses. It prints as the addresses alone.
#[derive(Clone)]
pub struct RedisUrl {
    addresses: Vec<Address>,
    /// How to log in, whatever the address.
    login: ConnectionInfo,
}

/// Where one Redis is. It prints as `host:port`, or as the path of its socket.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(ConnectionAddr);

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
    /// Whether connections are encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self.login.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// The addresses, of which there is at least one.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The address of another Redis of the store, which is reached in the same way.
    pub fn address(&self, host: String, port: u16) -> Address {
        Address(match self.login.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            ConnectionAddr::Tcp(..) | ConnectionAddr::Unix(_) => ConnectionAddr::Tcp(host, port),
            // The library may come to know more kinds.
            _ => ConnectionAddr::Tcp(host, port),
        })
    }

    /// What the client library needs to connect there.
    pub fn connection_info(&self, address: &Address) -> ConnectionInfo {
        self.login.clone().set_addr(address.0.clone())
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let infos: Vec<ConnectionInfo> = one_each(text).iter().map(|url| parse(url)).collect::<Result<_, _>>()?;
        let addresses = infos.iter().map(|info| Address(info.addr().clone())).collect();
        let login = infos.into_iter().next().expect("a text has at least one part");
        Ok(Self { addresses, login })
    }
}

/// A URL with several hosts as URLs with one each; the client library knows no others.
fn one_each(text: &str) -> Vec<String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    if !hosts.contains(',') {
        return vec![text.to_owned()];
    }
    hosts.split(',').map(|host| format!("{scheme}://{login}{host}{path}")).collect()
}

fn parse(url: &str) -> Result<ConnectionInfo, InvalidRedisUrl> {
    let info: ConnectionInfo = url.parse().map_err(|error: redis::RedisError| {
        // The library appends its kind of error, which says nothing here.
        let text = error.to_string();
        InvalidRedisUrl::Malformed(text.split(" - ").next().unwrap_or_default().to_owned())
    })?;
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(InvalidRedisUrl::Insecure),
        _ => Ok(info),
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.login.addr() {
            ConnectionAddr::Unix(_) => "redis+unix://",
            ConnectionAddr::TcpTls { .. } => "rediss://",
            _ => "redis://",
        })?;
        let addresses: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
        f.write_str(&addresses.join(","))?;
        match self.login.redis_settings().db() {
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

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
            ("redis://:s3c,ret@a,b:7000,c/3", "redis://a:6379,b:7000,c:6379/3"),
        ] {
            let url: RedisUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), printed);
            assert_eq!(format!("{url:?}"), printed);
        }
    }

    #[test]
    fn each_of_several_addresses_has_the_same_login() {
        let url: RedisUrl = "rediss://user:s3cret@a,b:7000/3".parse().unwrap();
        let other = url.address("c".to_owned(), 7001);
        for (address, printed) in url.addresses().iter().chain([&other]).zip(["a:6379", "b:7000", "c:7001"]) {
            let info = url.connection_info(address);
            assert_eq!(info.addr().to_string(), printed);
            assert!(matches!(info.addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
            assert_eq!((info.redis_settings().password(), info.redis_settings().db()), (Some("s3cret"), 3));
        }
    }

    #[test]
    fn what_is_no_redis_url_is_refused() {
        for wrong in [
            "",
            "127.0.0.1:6379",
            "http://host",
            "redis://host/db",
            "redis://",
            "redis://:pa/ss@host",
            "redis://a,",
            "redis://a,b:port",
        ] {
            assert!(matches!(wrong.parse::<RedisUrl>(), Err(InvalidRedisUrl::Malformed(_))), "{wrong}");
        }
        for insecure in ["rediss://host/#insecure", "rediss://a,b/#insecure"] {
            assert_eq!(insecure.parse::<RedisUrl>().unwrap_err(), InvalidRedisUrl::Insecure);
        }
    }
}
