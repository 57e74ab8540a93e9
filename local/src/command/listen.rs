//! The address to listen on, as people write it.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// Reads `host:port`; of a name's addresses, an IPv4 one is preferred, as Spin does.
///
/// # Errors
/// What a right one looks like.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let mut addresses: Vec<_> =
        text.to_socket_addrs().map_err(|error| format!("{error}; it must look like 127.0.0.1:3000"))?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.into_iter().next().ok_or_else(|| "it has no address; it must look like 127.0.0.1:3000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_needed() {
        assert_eq!(address("127.0.0.1:3000").unwrap().to_string(), "127.0.0.1:3000");
        assert_eq!(address("localhost:3000").unwrap().to_string(), "127.0.0.1:3000");
        for wrong in ["", "3000", ":3000", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000"] {
            assert!(address(wrong).unwrap_err().contains("must look like 127.0.0.1:3000"), "{wrong}");
        }
    }
}
