//! Ports that nobody else uses.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};

/// Below the range from which Linux takes the ports of outgoing connections (32768 and up), so
/// that none of those can take the port while a process that owns it restarts.
const RANGE: std::ops::Range<u16> = 20_000..30_000;

/// A free TCP port of 127.0.0.1, reserved among all processes that take theirs here for as long
/// as the value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Holds the lock. The file stays: to remove it while another waits for it would be a race.
    _lock: File,
}

impl Port {
    /// Takes the first free port of the range.
    ///
    /// # Errors
    /// Where all of them are taken.
    pub fn reserve() -> Result<Self> {
        RANGE.into_iter().find_map(Self::try_reserve).context("all ports from 20000 to 29999 are taken")
    }

    fn try_reserve(number: u16) -> Option<Self> {
        let path = std::env::temp_dir().join(format!("larder-port-{number}.lock"));
        // Another user's file, for instance, is a port to leave alone.
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path).ok()?;
        lock.try_lock().ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _lock: lock })
    }

    /// The port's number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_out_once() {
        let (first, second) = (Port::reserve().unwrap(), Port::reserve().unwrap());
        assert_ne!(first.number(), second.number());
        assert!(TcpListener::bind(first.address()).is_ok());
        assert!(Port::try_reserve(first.number()).is_none());
    }
}
