//! What becomes of a request: it goes to an instance, or is answered here where no instance needs to be asked.

use anyhow::Result;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use crate::runtime::observe;
use crate::runtime::reuse::Instances;

/// Spin's own health check: it says that the server runs, and asks no component.
const WELL_KNOWN_HEALTH: &str = "/.well-known/spin/health";

/// Answers the requests of one core, with instances of its own.
#[derive(Clone)]
pub struct Handler(ProxyHandler<Instances>);

impl Handler {
    pub fn new(instances: Instances) -> Self {
        Self(ProxyHandler::new(instances))
    }

    pub async fn answer(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let path = request.uri().path();
        if path == WELL_KNOWN_HEALTH {
            return plain(StatusCode::OK, "OK");
        }
        let instances = self.0.state();
        let Some((number, route)) = instances.application.route_of(path) else {
            return plain(StatusCode::NOT_FOUND, "");
        };
        let (mut head, body) = request.into_parts();
        match absolute(&head) {
            Ok(uri) => head.uri = uri,
            Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
        }
        let body = body.map_err(HttpError::from).boxed_unsync();
        let observed = instances.observer.request(&mut head, route.text());
        let arrival = instances.arrive(number, observed.as_ref().map(observe::Request::context)).await;
        let response = match self.0.handle(arrival, Request::from_parts(head, body)).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!("the component did not answer: {error:?}");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        };
        match observed {
            Some(observed) => observed.answered(response).await,
            None => response,
        }
    }
}

/// The URI with scheme and authority, which an HTTP/1.1 request line leaves out.
fn absolute(head: &http::request::Parts) -> Result<Uri, &'static str> {
    let mut parts = head.uri.clone().into_parts();
    let host = match head.headers.get(header::HOST) {
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| "the Host header is malformed\n")?),
        None => None,
    };
    parts.authority = match (host, parts.authority.take()) {
        (Some(host), Some(target)) if host != target => {
            return Err("the Host header and the request target name different hosts\n");
        }
        (host, target) => Some(host.or(target).ok_or("the request has no Host header\n")?),
    };
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).map_err(|_| "the request target is malformed\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(HttpError::from).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(target: &str, host: Option<&str>) -> Result<String, &'static str> {
        let mut request = Request::get(target);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        absolute(&request.body(()).unwrap().into_parts().0).map(|uri| uri.to_string())
    }

    #[test]
    fn the_host_header_completes_the_uri() {
        assert_eq!(uri("/a?b", Some("x:1")).unwrap(), "http://x:1/a?b");
        assert_eq!(uri("http://x:1/a", Some("x:1")).unwrap(), "http://x:1/a");
        assert_eq!(uri("http://x:1/a", None).unwrap(), "http://x:1/a");
        for (target, host) in [("/a", None), ("/a", Some("a b")), ("http://x/", Some("y"))] {
            assert!(uri(target, host).is_err(), "{target} {host:?}");
        }
    }
}
