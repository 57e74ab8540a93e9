//! The component's figures for Prometheus, on a port of their own.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use opentelemetry_prometheus::PrometheusExporter;
use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::net::TcpListener;

/// Collects what the global meter gets, and tells it to whoever asks.
pub struct Metrics {
    listener: TcpListener,
    registry: Registry,
}

impl Metrics {
    /// Listens; the exporter is to be given to the meter.
    ///
    /// # Errors
    /// Where the address is taken.
    pub async fn bind(address: SocketAddr) -> Result<(Self, PrometheusExporter)> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another address with --metrics-listen"))?;
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
        Ok((Self { listener, registry }, exporter))
    }

    /// Serves for as long as the process lives.
    pub async fn serve(self) {
        let registry = self.registry;
        let routes = Router::new().route("/metrics", get(async move || render(&registry)));
        if let Err(error) = axum::serve(self.listener, routes).await {
            tracing::error!(%error, "the server of the metrics ended");
        }
    }
}

fn render(registry: &Registry) -> Response {
    let (mut text, encoder) = (Vec::new(), TextEncoder::new());
    match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
