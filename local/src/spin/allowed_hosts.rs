//! Where a component may connect to: `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. The scheme may be `*`; the host `*`, `*.domain` or a
//! network such as `10.0.0.0/8`; the port `*` or a half-open range such as `7000..7010`. An
//! address is matched by scheme, host and port; credentials and path do not matter.
//!
//! Spin refuses all connections where one entry is refused, and says so with the first of them. Here the application
//! does not start.

#[cfg(test)]
mod verdicts;

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
    /// Spin's `self`: requests of the application to itself, of which none goes to Redis.
    Itself,
    /// `.example.com`: every name that ends so.
    Below(String),
    Network(IpNet),
    Exactly(Host),
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
    /// There is an `@`, which Spin takes for a part of the host's name.
    #[error("it has credentials; hosts are matched without them, so write only scheme://host[:port]")]
    Credentials,
    /// There is a comma. Spin takes all of it for one host.
    #[error(
        "it is a list; an entry is one host, or one pattern that matches several, such as redis://*.redis.example:6379 or redis://10.0.0.0/8:6379"
    )]
    List,
    /// The host is empty, no name, or has a `*` in a wrong place.
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
        if rest.contains(',') {
            return Err(InvalidHost::List);
        }
        if rest.contains('@') {
            return Err(InvalidHost::Credentials);
        }
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 network.
            Some(_) if HostPattern::parse(rest).is_ok() => (rest, ""),
            Some((host, port)) => (host, port.strip_suffix('/').unwrap_or(port)),
            None => (rest, ""),
        };
        let ports = match port {
            "" => usual_port(scheme).map(single).ok_or(InvalidHost::NoPort)?,
            port if port.contains('/') => return Err(InvalidHost::Path),
            port => parse_ports(port).ok_or(InvalidHost::Port)?,
        };
        let scheme = (scheme != "*").then(|| scheme.to_owned());
        Ok(Self { scheme, host: HostPattern::parse(host)?, ports })
    }
}

/// `*`, which a scheme without a usual port has too.
const ANY_PORT: Range<u32> = 0..u16::MAX as u32 + 1;

fn single(port: u16) -> Range<u32> {
    u32::from(port)..u32::from(port) + 1
}

fn parse_ports(text: &str) -> Option<Range<u32>> {
    if text == "*" {
        return Some(ANY_PORT);
    }
    match text.split_once("..") {
        Some((start, end)) => Some(start.parse::<u16>().ok()?.into()..end.parse::<u16>().ok()?.into()),
        None => text.parse().ok().map(single),
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self, InvalidHost> {
        match host.trim() {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if let Ok(network) = host.parse() {
            return Ok(Self::Network(network));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        if host.contains('/') {
            return Err(InvalidHost::Path);
        }
        let (host, is_below) = host.strip_prefix("*.").map_or((host, false), |domain| (domain, true));
        if host.contains('*') {
            return Err(InvalidHost::Host);
        }
        match Host::parse(host) {
            Ok(Host::Domain(domain)) if is_below => Ok(Self::Below(format!(".{domain}"))),
            Ok(host) if !is_below => Ok(Self::Exactly(host)),
            _ => Err(InvalidHost::Host),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Itself, _) => false,
            (Self::Exactly(this), host) => this == host,
            (Self::Below(suffix), Host::Domain(name)) => name.ends_with(suffix.as_str()),
            (Self::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::from(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::from(*address)),
            (Self::Below(_) | Self::Network(_), _) => false,
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
        // Once more, because a URL leaves the host of a scheme that it does not know as it is.
        let Some(Ok(host)) = url.host_str().map(Host::parse) else { return false };
        let port = url.port().or_else(|| usual_port(url.scheme()));
        self.0.iter().any(|entry| {
            entry.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
                && entry.host.allows(&host)
                && (entry.ports == ANY_PORT || port.is_some_and(|port| entry.ports.contains(&u32::from(port))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::verdicts::{VERDICTS, Verdict};
    use super::*;

    #[test]
    fn an_entry_gets_the_verdict_that_spin_gives_it() {
        for (entry, address, expected) in VERDICTS {
            let verdict = match entry.parse::<AllowedHost>() {
                Err(_) => Verdict::Refuses,
                Ok(host) if AllowedHosts::new(vec![host.clone()]).allows(address, "redis") => Verdict::Allows,
                Ok(_) => Verdict::Denies,
            };
            assert_eq!(verdict, expected, "{entry} {address}");
        }
    }

    /// Spin takes these, and they allow nothing that anybody could mean.
    #[test]
    fn what_spin_takes_and_never_matches_is_refused() {
        for (entry, reason) in [("redis://a,b:7000", InvalidHost::List), ("://db:1", InvalidHost::Scheme)] {
            assert_eq!(entry.parse::<AllowedHost>(), Err(reason), "{entry}");
        }
    }

    #[test]
    fn a_malformed_entry_is_refused_with_its_reason() {
        for (entry, reason) in [
            ("*", InvalidHost::NoScheme),
            ("127.0.0.1:6379", InvalidHost::NoScheme),
            ("re-dis://db", InvalidHost::Scheme),
            ("redis://db:6379/0", InvalidHost::Path),
            ("redis://db/0", InvalidHost::Path),
            ("redis://a:7000,b:7000", InvalidHost::List),
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
