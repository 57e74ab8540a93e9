//! What OpenTelemetry is told of requests and of their Redis commands, by the names of its semantic conventions.
//!
//! Spin tells of both too. Here a request's span is also handed to the component, as its `traceparent`: so what the
//! worker tells of a write hangs below the request that sent it, and a request without a trace gets one.
//!
//! Where nothing is configured nothing of this runs.

mod commands;
mod requests;

use std::sync::Arc;

use larder_telemetry::Telemetry;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::metrics::Histogram;

pub use commands::Command;
pub use requests::Request;

/// Tells of what goes on, or nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Instruments>>);

/// What it tells with; what is not wanted goes nowhere.
struct Instruments {
    tracer: BoxedTracer,
    traces: bool,
    requests: Histogram<f64>,
    commands: Histogram<f64>,
}

/// From a read without Redis, some 50 µs, to a write that waits.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Observer {
    /// Tells what `telemetry` sends.
    #[must_use]
    pub fn of(telemetry: &Telemetry) -> Self {
        if !telemetry.has_traces() && !telemetry.has_metrics() {
            return Self(None);
        }
        let meter = global::meter("larder-local");
        let seconds = |name, what| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(what);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self(Some(Arc::new(Instruments {
            tracer: global::tracer("larder-local"),
            traces: telemetry.has_traces(),
            requests: seconds("http.server.request.duration", "Time from a request to the head of its answer."),
            commands: seconds("db.client.operation.duration", "Time from a Redis command to its reply."),
        })))
    }
}
