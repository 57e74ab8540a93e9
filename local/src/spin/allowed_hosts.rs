//! Where a component may connect to: `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. The scheme may be `*`; the host `*`, `*.domain` or a
//! network such as `10.0.0.0/8`; the port `*` or a half-open range such as `7000..7010`. An
//! address is matched by scheme, host and port; credentials and path do not matter.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use url::{Host, Url};

/// The destinations that a component may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// None: any.
    scheme: Option<String>,
    host: HostPattern,
    /// Half-open, in u32 so that port 65535 has an end.
    ports: Range<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// `.example.com`: every name that ends so.
    Below(String),
    Network(IpNet),
    Name(String),
}

/// Why an entry is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// No `://`.
    #[error("it has no scheme; write scheme://host[:port], such as redis://127.0.0.1:6379, or *://*:* for everything")]
    NoScheme,
    /// The scheme has other characters than letters.
    #[error("its scheme has to be letters only, or *")]
    Scheme,
    /// There is something after the port.
    #[error("it has a path; write only scheme://host[:port]")]
    Path,
    /// There is an `@`, which Spin would take for a part of the host's name.
    #[error("it has credentials; hosts are matched without them, so write only scheme://host[:port]")]
    Credentials,
    /// The host is empty or has a `*` in a wrong place.
    #[error("its host has to be a name, an address, a network such as 10.0.0.0/8, * or *.domain")]
    Host,
    /// The port is not a number, a range or `*`.
    #[error("its port has to be a number up to 65535, a range such as 7000..7010, or *")]
    Port,
    /// No port, and the scheme has no usual one.
    #[error("it needs a port, because its scheme has no usual one")]
    NoPort,
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "mqtt" => Some(1883),
        "mysql" => Some(3306),
        "postgres" => Some(5432),
        "redis" => Some(6379),
        _ => None,
    }
}

impl std::str::FromStr for AllowedHost {
    type Err = InvalidHost;

    fn from_str(entry: &str) -> Result<Self, InvalidHost> {
        let (scheme, rest) = entry.trim().split_once("://").ok_or(InvalidHost::NoScheme)?;
        if scheme != "*" && (scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphabetic())) {
            return Err(InvalidHost::Scheme);
        }
        if rest.contains('@') {
            return Err(InvalidHost::Credentials);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        };
        let ports = match port {
            Some(port) if port.contains('/') => return Err(InvalidHost::Path),
            Some(port) => parse_ports(port).ok_or(InvalidHost::Port)?,
            None => usual_port(scheme).map(single).ok_or(InvalidHost::NoPort)?,
        };
        let scheme = (scheme != "*").then(|| scheme.to_owned());
        Ok(Self { scheme, host: HostPattern::parse(host)?, ports })
    }
}

fn single(port: u16) -> Range<u32> {
    u32::from(port)..u32::from(port) + 1
}

fn parse_ports(text: &str) -> Option<Range<u32>> {
    if text == "*" {
        return Some(0..u32::from(u16::MAX) + 1);
    }
    match text.split_once("..") {
        Some((start, end)) => Some(start.parse::<u16>().ok()?.into()..end.parse::<u16>().ok()?.into()),
        None => text.parse().ok().map(single),
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self, InvalidHost> {
        if host == "*" {
            return Ok(Self::Any);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Some(network) = bare.parse().ok().or_else(|| bare.parse::<IpAddr>().ok().map(IpNet::from)) {
            return Ok(Self::Network(network));
        }
        if host.contains('/') {
            return Err(InvalidHost::Path);
        }
        match host.strip_prefix("*.") {
            Some(domain) if !domain.is_empty() && !domain.contains('*') => Ok(Self::Below(format!(".{domain}"))),
            None if !host.is_empty() && !host.contains('*') => Ok(Self::Name(host.to_owned())),
            _ => Err(InvalidHost::Host),
        }
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(suffix) => host.ends_with(suffix.as_str()),
            Self::Network(network) => host.parse::<IpAddr>().is_ok_and(|address| network.contains(&address)),
            Self::Name(name) => name == host,
        }
    }
}

impl AllowedHosts {
    /// A list of such entries.
    #[must_use]
    pub fn new(entries: Vec<AllowedHost>) -> Self {
        Self(entries)
    }

    /// Whether a component may connect to this address: a URL, or `host[:port]` of this scheme.
    #[must_use]
    pub fn allows(&self, address: &str, default_scheme: &str) -> bool {
        let parsed = Url::parse(address).ok().filter(Url::has_host);
        let Some(url) = parsed.or_else(|| Url::parse(&format!("{default_scheme}://{address}")).ok()) else {
            return false;
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return false,
        };
        let port = url.port().or_else(|| usual_port(url.scheme()));
        self.0.iter().any(|entry| {
            entry.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
                && entry.host.allows(&host)
                && port.is_some_and(|port| entry.ports.contains(&u32::from(port)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, address: &str) -> bool {
        AllowedHosts::new(vec![entry.parse().unwrap()]).allows(address, "redis")
    }

    #[test]
    fn an_entry_matches_by_scheme_host_and_port() {
        for (entry, address, expected) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379", true),
            ("redis://127.0.0.1:6379", "redis://127.0.0.1", true),
            ("redis://127.0.0.1", "redis://127.0.0.1:6379", true),
            ("redis://127.0.0.1/", "127.0.0.1:6379", true),
            ("redis://db", "db:6379", true),
            ("redis://db:7000", "redis://user:pw@db:7000/0", true),
            ("redis://db:7000", "redis://db:7001", false),
            ("redis://db:7000", "rediss://db:7000", false),
            ("redis://db:7000", "redis://db.example:7000", false),
            ("redis://*:6379", "redis://anything", true),
            // A list of nodes is taken for one host, which is none of them.
            ("redis://a:7000,b:7000", "redis://a:7000", false),
            ("redis://a:7000,b:7000", "redis://b:7000", false),
            ("*://db:*", "rediss://db:65535", true),
            ("*://*:*", "redis://db", true),
            ("redis://*.example.com", "redis://a.b.example.com", true),
            ("redis://*.example.com", "redis://example.com", false),
            ("redis://db:7000..7010", "redis://db:7009", true),
            ("redis://db:7000..7010", "redis://db:7010", false),
            ("redis://10.0.0.0/8", "redis://10.1.2.3", true),
            ("redis://10.0.0.0/8:7000", "redis://10.1.2.3:7000", true),
            ("redis://10.0.0.0/8", "redis://11.1.2.3", false),
            ("redis://[::1]:6379", "redis://[::1]:6379", true),
        ] {
            assert_eq!(allows(entry, address), expected, "{entry} {address}");
        }
    }

    #[test]
    fn a_malformed_entry_is_refused_with_its_reason() {
        for (entry, reason) in [
            ("*", InvalidHost::NoScheme),
            ("127.0.0.1:6379", InvalidHost::NoScheme),
            ("re-dis://db", InvalidHost::Scheme),
            ("://db", InvalidHost::Scheme),
            ("redis://db:6379/0", InvalidHost::Path),
            ("redis://db/0", InvalidHost::Path),
            ("redis://user:pw@db:6379", InvalidHost::Credentials),
            ("redis://", InvalidHost::Host),
            ("redis://a.*.b", InvalidHost::Host),
            ("redis://*.", InvalidHost::Host),
            ("redis://db:x", InvalidHost::Port),
            ("redis://db:65536", InvalidHost::Port),
            ("redis://db:1..x", InvalidHost::Port),
            ("rediss://db", InvalidHost::NoPort),
            ("*://db", InvalidHost::NoPort),
        ] {
            assert_eq!(entry.parse::<AllowedHost>(), Err(reason), "{entry}");
        }
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        assert!(!AllowedHosts::default().allows("redis://127.0.0.1", "redis"));
    }
}
