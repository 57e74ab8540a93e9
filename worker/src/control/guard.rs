//! Keeps web pages out.
//!
//! A page of any site can make a browser on this machine send requests here. Those that could change something
//! or be read carry an `Origin` (Fetch standard, section 3.2). Those of a page whose own name was made to point
//! to this machine (DNS rebinding) need not, but name that host.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;

/// Lets through what no page has sent.
pub async fn check(request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        return Problem::forbidden("This is not for web pages: the request has an Origin.").into_response();
    }
    if !request.headers().get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback) {
        return Problem::forbidden("The Host must be localhost or a loopback address, like 127.0.0.1:9465.")
            .into_response();
    }
    next.run(request).await
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_loopback_names_pass() {
        for host in ["localhost", "LOCALHOST:9465", "127.0.0.1:1", "127.1.2.3", "[::1]:9465"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "rebind.example:9465", "localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "0.0.0.0"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
