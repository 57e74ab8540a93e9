//! The certificate authority of a Redis that the system's own do not vouch for.

use std::path::Path;
use std::str::FromStr;

use redis::TlsCertificates;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of a PEM file, of which there is at least one.
#[derive(Clone, Debug)]
pub struct RedisCa(Vec<u8>);

/// Why a file is no [`RedisCa`].
#[derive(Debug, thiserror::Error)]
pub enum InvalidRedisCa {
    #[error("cannot read it: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("it must hold certificates in PEM form: {0}")]
    Malformed(rustls::pki_types::pem::Error),
    #[error("it has no certificate; it must hold at least one, in PEM form")]
    Empty,
}

impl RedisCa {
    /// What the client library needs to trust it, and nobody else.
    pub fn certificates(&self) -> TlsCertificates {
        TlsCertificates { client_tls: None, root_cert: Some(self.0.clone()) }
    }
}

impl FromStr for RedisCa {
    type Err = InvalidRedisCa;

    /// Reads the file of this name.
    fn from_str(file: &str) -> Result<Self, InvalidRedisCa> {
        let pem = std::fs::read(Path::new(file))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Err(error) => Err(InvalidRedisCa::Malformed(error)),
            Ok(certificates) if certificates.is_empty() => Err(InvalidRedisCa::Empty),
            Ok(_) => Ok(Self(pem)),
        }
    }
}
