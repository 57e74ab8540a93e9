//! The HTTP server in front of the instances.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::engine;
use super::observe::{self, Observer};
use super::reuse::Instances;
use crate::spin::Application;

/// How long requests in flight may take after the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Spin's own health check: it says that the server runs, and asks no component.
const WELL_KNOWN_HEALTH: &str = "/.well-known/spin/health";

/// A server that has its port and is ready to run.
pub struct Server {
    listener: TcpListener,
    handler: Handler,
    stopping: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Handler {
    application: Arc<Application>,
    observer: Observer,
    instances: ProxyHandler<Instances>,
}

impl Server {
    /// Binds the address, then compiles the component. Requests wait until [`Server::run`].
    ///
    /// # Errors
    /// Where the address is taken, or the component cannot be run.
    pub async fn bind(address: SocketAddr, application: Application, observer: Observer) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another address with --listen"))?;
        let (engine, pre) = engine::prepare(&application)?;
        let application = Arc::new(application);
        let stopping = Arc::new(AtomicBool::new(false));
        let instances = Instances {
            application: application.clone(),
            engine,
            pre,
            observer: observer.clone(),
            stopping: stopping.clone(),
        };
        let handler = Handler { application, observer, instances: ProxyHandler::new(instances) };
        Ok(Self { listener, handler, stopping })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().context("cannot tell the address that the server listens on")
    }

    /// Serves until `stop` resolves; requests in flight then have one second to finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, most likely; give others time to close theirs.
                        tracing::warn!("cannot accept a connection: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = &mut stop => break,
            };
            self.serve(stream, &connections);
        }
        drop(self.listener);
        if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
            tracing::warn!("some requests were cut off: they took longer than {GRACE:?} to finish");
        }
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn serve(&self, stream: TcpStream, connections: &GracefulShutdown) {
        // Head and body of an answer leave in two writes; without this the second would wait for
        // the client to acknowledge the first, up to 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
        let handler = self.handler.clone();
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection broke: {error}");
            }
        });
    }
}

impl Handler {
    async fn answer(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let path = request.uri().path();
        if path == WELL_KNOWN_HEALTH {
            return plain(StatusCode::OK, "OK");
        }
        let Some(route) = self.application.route_of(path) else { return plain(StatusCode::NOT_FOUND, "") };
        let (mut head, body) = request.into_parts();
        match absolute(&head) {
            Ok(uri) => head.uri = uri,
            Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
        }
        let body = body.map_err(HttpError::from).boxed_unsync();
        let observed = self.observer.request(&mut head, route.text());
        let context = observed.as_ref().map(observe::Request::context);
        let response = match self.instances.handle(context, Request::from_parts(head, body)).await {
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
