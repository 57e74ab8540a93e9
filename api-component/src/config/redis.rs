//! Where Redis is: one, a cluster, or one that Sentinels watch over.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The way to Redis. Credentials are kept apart from addresses, because an address may come from a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    scheme: &'static str,
    /// `user:password@`, escaped, or nothing: not for logs.
    credentials: String,
    /// `host:port` of each that was configured, at least one: Redis itself, some nodes of a cluster, or Sentinels.
    pub addresses: Vec<String>,
    /// What the Sentinels call the primary, if the addresses are theirs.
    pub sentinel: Option<String>,
    /// How long one command may take, connecting included.
    pub timeout: Duration,
    /// How many replicas must have a write before it is acknowledged.
    pub min_replicas: u64,
}

/// The address is no Redis URL, or has more than hosts and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the variable redis_address must look like redis://host:port or, for some nodes of a cluster or Sentinels, redis://host:port,host:port; without credentials or a path"
)]
pub struct InvalidAddress;

impl RedisSettings {
    /// Credentials are variables of their own because Spin checks `allowed_outbound_hosts` against the
    /// plain address, and because only one of them is secret.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(address: &str, username: &str, password: &str) -> Result<Self, InvalidAddress> {
        let (scheme, hosts) = address.split_once("://").ok_or(InvalidAddress)?;
        let scheme = ["redis", "rediss"].into_iter().find(|known| *known == scheme).ok_or(InvalidAddress)?;
        let hosts = hosts.strip_suffix('/').unwrap_or(hosts);
        let addresses: Vec<_> = hosts.split(',').map(str::to_owned).collect();
        if addresses.iter().any(|host| host.is_empty() || host.contains(['/', '@', '?', '#', ' '])) {
            return Err(InvalidAddress);
        }
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let credentials = match (username, password) {
            ("", "") => String::new(),
            _ => format!("{}:{}@", encode(username), encode(password)),
        };
        Ok(Self { scheme, credentials, addresses, sentinel: None, timeout: Duration::ZERO, min_replicas: 0 })
    }

    /// The URL to connect to the Redis at `address`, credentials included: not for logs.
    #[must_use]
    pub fn url(&self, address: &str) -> String {
        format!("{}://{}{address}", self.scheme, self.credentials)
    }

    /// The same without credentials, as Sentinels mostly have it.
    #[must_use]
    pub fn open_url(&self, address: &str) -> String {
        format!("{}://{address}", self.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_escaped_into_the_url() {
        let settings = RedisSettings::new("redis://127.0.0.1:6379", "larder", "p@ss/w:rd").ok().unwrap();
        assert_eq!(settings.url(&settings.addresses[0]), "redis://larder:p%40ss%2Fw%3Ard@127.0.0.1:6379");
        assert_eq!(settings.open_url("[::1]:1"), "redis://[::1]:1");
    }

    #[test]
    fn several_addresses_share_a_scheme() {
        let settings = RedisSettings::new("rediss://a:1,b:2,[::1]:3/", "", "").ok().unwrap();
        assert_eq!(settings.addresses, ["a:1", "b:2", "[::1]:3"]);
        assert_eq!(settings.url("b:2"), "rediss://b:2");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in
            ["localhost:6379", "http://localhost", "redis://", "redis://me:pw@host", "redis://host/1", "redis://a,,b"]
        {
            assert_eq!(RedisSettings::new(address, "", "").err(), Some(InvalidAddress), "{address}");
        }
    }
}
