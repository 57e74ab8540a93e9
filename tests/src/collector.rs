//! A collector of OpenTelemetry: it takes what is sent over OTLP/HTTP, and keeps it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tokio::net::TcpListener;

/// The running collector.
pub struct Collector {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    points: Vec<Point>,
}

/// A span, in the form of its headers: ids as hex digits.
#[derive(Clone, Debug)]
pub struct Span {
    /// The `service.name` of who told of it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The trace that it is in.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// What it is part of; empty for the first of a trace.
    pub parent: String,
    /// The spans that it links to.
    pub links: Vec<String>,
    /// When it began and ended, in ns since 1970.
    pub time: (u64, u64),
    attributes: Vec<(String, String)>,
}

/// What a histogram counted for some attributes.
#[derive(Clone, Debug)]
pub struct Point {
    /// The name of the histogram.
    pub name: String,
    /// How much it counted.
    pub count: u64,
    attributes: Vec<(String, String)>,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// Where there is no port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, taken) = (listener.local_addr()?, Arc::default());
        let routes = Router::new().route("/v1/traces", post(traces)).route("/v1/metrics", post(metrics));
        tokio::spawn(axum::serve(listener, routes.with_state(Arc::clone(&taken))).into_future());
        Ok(Self { address, taken })
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` shall be.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans of a trace so far; of all traces where none is named.
    #[must_use]
    pub fn spans(&self, trace: Option<&str>) -> Vec<Span> {
        let taken = self.taken.lock().expect("nobody panics with it");
        taken.spans.iter().filter(|span| trace.is_none_or(|trace| span.trace == trace)).cloned().collect()
    }

    /// The last that a histogram told for these attributes; others may be there too.
    #[must_use]
    pub fn count(&self, name: &str, attributes: &[(&str, &str)]) -> u64 {
        let taken = self.taken.lock().expect("nobody panics with it");
        let fits = |point: &&Point| {
            let has = |(name, value): &(&str, &str)| get(&point.attributes, name) == Some(value);
            point.name == name && attributes.iter().all(has)
        };
        taken.points.iter().filter(fits).map(|point| point.count).max().unwrap_or_default()
    }
}

impl Span {
    /// An attribute as text.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        get(&self.attributes, name)
    }
}

fn get<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

async fn traces(State(taken): State<Arc<Mutex<Taken>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut taken = taken.lock().expect("nobody panics with it");
    for of_resource in request.resource_spans {
        let service = service(of_resource.resource);
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.spans.push(Span {
                service: service.clone(),
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                time: (span.start_time_unix_nano, span.end_time_unix_nano),
                attributes: texts(span.attributes),
            });
        }
    }
    StatusCode::OK
}

async fn metrics(State(taken): State<Arc<Mutex<Taken>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportMetricsServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut taken = taken.lock().expect("nobody panics with it");
    let scopes = request.resource_metrics.into_iter().flat_map(|of_resource| of_resource.scope_metrics);
    for metric in scopes.flat_map(|scope| scope.metrics) {
        if let Some(Data::Histogram(histogram)) = metric.data {
            taken.points.extend(histogram.data_points.into_iter().map(|point| Point {
                name: metric.name.clone(),
                count: point.count,
                attributes: texts(point.attributes),
            }));
        }
    }
    StatusCode::OK
}

fn service(resource: Option<Resource>) -> String {
    let attributes = texts(resource.unwrap_or_default().attributes);
    get(&attributes, "service.name").unwrap_or_default().to_owned()
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    attributes.into_iter().map(|KeyValue { key, value, .. }| (key, text(value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
