//! Clients for servers on this machine.

use reqwest::ClientBuilder;

/// A client that speaks HTTP and trusts nobody over HTTPS: it needs no certificates of the system, which may have
/// none, and asks no proxy.
pub fn http_client() -> ClientBuilder {
    larder_telemetry::choose_cryptography();
    reqwest::Client::builder().tls_certs_only([]).no_proxy()
}
