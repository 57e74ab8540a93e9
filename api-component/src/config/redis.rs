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
    /// Whether the addresses are nodes of a cluster, or Sentinels; else there is one Redis.
    pub is_cluster: bool,
    /// What the Sentinels call the primary, if the addresses are theirs.
    pub sentinel: Option<String>,
    /// How long one command may take, connecting included.
    pub timeout: Duration,
    /// How many replicas must have a write before it is acknowledged.
    pub min_replicas: u64,
}

/// Where Redis is, said in a way that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The address of one Redis is none.
    #[error("the variable redis_address must look like redis://host:port, without credentials or a path")]
    Address,
    /// The address of one Redis names several. Spin refuses a list among its allowed hosts, and connects to no pattern.
    #[error(
        "the variable redis_address has a list or a pattern, and redis_nodes is empty. For a cluster or Sentinels set redis_nodes=redis://host:port,host:port and redis_address to one pattern that matches all nodes, such as redis://*.redis.example:6379"
    )]
    NodesMissing,
    /// The list of nodes is none.
    #[error("the variable redis_nodes must look like redis://host:port,host:port, without credentials or a path")]
    Nodes,
    /// A primary has a name, but there are no Sentinels to ask for it.
    #[error("the variable redis_sentinel names a primary, but redis_nodes is empty; set that to the Sentinels")]
    SentinelsMissing,
}

impl RedisSettings {
    /// `address` is also the one entry of `allowed_outbound_hosts`. Without `nodes` it is where Redis is; with them it
    /// is the pattern by which Spin lets the component connect to all nodes.
    ///
    /// Credentials are variables of their own because Spin checks `allowed_outbound_hosts` against the plain address,
    /// and because only one of them is secret.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(address: &str, nodes: &str, username: &str, password: &str) -> Result<Self, InvalidAddress> {
        let is_cluster = !nodes.is_empty();
        let (url, invalid) = match is_cluster {
            true => (nodes, InvalidAddress::Nodes),
            false if names_several(address) => return Err(InvalidAddress::NodesMissing),
            false => (address, InvalidAddress::Address),
        };
        let (scheme, hosts) = url.split_once("://").ok_or(invalid)?;
        let scheme = ["redis", "rediss"].into_iter().find(|known| *known == scheme).ok_or(invalid)?;
        let hosts = hosts.strip_suffix('/').unwrap_or(hosts);
        let addresses: Vec<_> = hosts.split(',').map(str::to_owned).collect();
        if addresses.iter().any(|host| host.is_empty() || host.contains(['/', '@', '?', '#', '*', ' '])) {
            return Err(invalid);
        }
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let credentials = match (username, password) {
            ("", "") => String::new(),
            _ => format!("{}:{}@", encode(username), encode(password)),
        };
        Ok(Self {
            scheme,
            credentials,
            addresses,
            is_cluster,
            sentinel: None,
            timeout: Duration::ZERO,
            min_replicas: 0,
        })
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

/// Whether the address is a list, or a pattern of Spin's: `*`, or a network.
fn names_several(address: &str) -> bool {
    let hosts = address.split_once("://").map_or("", |(_, hosts)| hosts);
    let network = hosts.split_once('/').is_some_and(|(_, bits)| bits.starts_with(|c: char| c.is_ascii_digit()));
    hosts.contains([',', '*']) || network && hosts.contains(['.', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_escaped_into_the_url() {
        let settings = RedisSettings::new("redis://127.0.0.1:6379", "", "larder", "p@ss/w:rd").ok().unwrap();
        assert_eq!(settings.url(&settings.addresses[0]), "redis://larder:p%40ss%2Fw%3Ard@127.0.0.1:6379");
        assert_eq!(settings.open_url("[::1]:1"), "redis://[::1]:1");
        assert!(!settings.is_cluster);
    }

    #[test]
    fn several_nodes_share_a_scheme() {
        let settings = RedisSettings::new("rediss://*.example:*", "rediss://a:1,b:2,[::1]:3/", "", "").ok().unwrap();
        assert_eq!(settings.addresses, ["a:1", "b:2", "[::1]:3"]);
        assert_eq!(settings.url("b:2"), "rediss://b:2");
        assert!(settings.is_cluster);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        use InvalidAddress::{Address, Nodes, NodesMissing};
        for (address, nodes, error) in [
            ("localhost:6379", "", Address),
            ("http://localhost", "", Address),
            ("redis://", "", Address),
            ("redis://me:pw@host", "", Address),
            ("redis://host/1", "", Address),
            ("redis://host 1", "", Address),
            ("redis://a:1,b:1", "", NodesMissing),
            ("redis://*.example:6379", "", NodesMissing),
            ("redis://127.0.0.1:*", "", NodesMissing),
            ("redis://10.0.0.0/8:6379", "", NodesMissing),
            ("redis://*.example", "a:1,b:1", Nodes),
            ("redis://*.example", "redis://a,,b", Nodes),
            ("redis://*.example", "redis://me:pw@a", Nodes),
            ("redis://*.example", "redis://*.example", Nodes),
        ] {
            assert_eq!(RedisSettings::new(address, nodes, "", "").err(), Some(error), "{address} {nodes}");
        }
    }
}
