//! The admin server: metrics, health and status for whoever operates the worker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::metric;
use crate::status::Status;

/// A server that listens, and the recorder behind its metrics.
pub struct Admin {
    address: SocketAddr,
    listener: TcpListener,
    metrics: PrometheusHandle,
    health: Arc<Health>,
    max_pending: u64,
}

/// How often samples are folded into histograms; without a scrape they would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

impl Admin {
    /// Listens, and starts recording metrics. `max_pending` is one of them.
    pub async fn bind(address: SocketAddr, health: Arc<Health>, max_pending: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} (--admin-listen, LARDER_ADMIN_LISTEN)"))?;
        let address = listener.local_addr().context("the admin server has no address")?;
        let mut builder = PrometheusBuilder::new();
        for (name, buckets) in metric::BUCKETS {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)
                .context("the metrics' buckets are wrong")?;
        }
        let recorder = builder.idle_timeout(MetricKindMask::GAUGE, Some(metric::GAUGE_KEPT)).build_recorder();
        let metrics = recorder.handle();
        metrics::set_global_recorder(recorder).context("another metrics recorder is installed")?;
        metric::describe();
        metric::constants(max_pending);
        Ok(Self { address, listener, metrics, health, max_pending })
    }

    /// The address it listens on, with the port that the system chose if it was to choose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for as long as the process lives.
    pub async fn serve(self) {
        let upkeep = self.metrics.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                metric::constants(self.max_pending);
                upkeep.run_upkeep();
            }
        });
        let routes = Router::new()
            .route("/live", get(async || "live\n"))
            .route("/ready", get(ready).with_state(Arc::clone(&self.health)))
            .route("/status", get(status).with_state(self.health))
            .route("/metrics", get(render).with_state(self.metrics));
        // It logs and survives what goes wrong with a connection.
        if let Err(error) = axum::serve(self.listener, routes).await {
            tracing::error!(%error, "the admin server ended");
        }
    }
}

async fn ready(State(health): State<Arc<Health>>) -> impl IntoResponse {
    match health.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
    }
}

async fn status(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let status = serde_json::to_vec(&Status::of(&health)).expect("it has string keys only");
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], status)
}

async fn render(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}
