//! How Larder's native programs send traces and figures: OpenTelemetry over HTTP, to where the environment says.
//!
//! The variables are those of the OpenTelemetry specification, which Spin follows too, so one set of them serves
//! all. Without an endpoint nothing is sent, recorded or started. What is sent waits in memory for a moment and is
//! dropped where nobody takes it: telling what Larder does never holds up its work.

mod environment;

use std::time::Duration;

use opentelemetry::global;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::trace::SdkTracerProvider;

pub use environment::{Environment, InvalidEnvironment};

/// How long the end of a program may wait for what is still to be sent.
const FAREWELL: Duration = Duration::from_millis(500);

/// What sends, for as long as it lives.
#[derive(Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment asks for what there is not.
    #[error(transparent)]
    Environment(#[from] InvalidEnvironment),
    /// The endpoint or its headers cannot be used.
    #[error("cannot send to the OpenTelemetry endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Has the HTTPS clients of this process use the cryptography that needs nothing but a C compiler. `reqwest` has
/// none of its own here, and panics where none was chosen.
pub fn choose_cryptography() {
    // It was chosen before; there is only one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Telemetry {
    /// Starts to send the traces that the global tracer gets, where the environment wants it.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn traces(&mut self, program: &Program) -> Result<(), StartError> {
        if !Environment::of_process()?.wants_traces() {
            return Ok(());
        }
        choose_cryptography();
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(program.resource()).build();
        global::set_tracer_provider(provider.clone());
        self.traces = Some(provider);
        Ok(())
    }

    /// Starts to send the figures that the global meter gets, where the environment wants it, and lets `reader` read
    /// them too.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn metrics(&mut self, program: &Program, reader: Option<impl MetricReader>) -> Result<(), StartError> {
        let are_sent = Environment::of_process()?.wants_metrics();
        if !are_sent && reader.is_none() {
            return Ok(());
        }
        let mut builder = SdkMeterProvider::builder().with_resource(program.resource());
        if let Some(reader) = reader {
            builder = builder.with_reader(reader);
        }
        if are_sent {
            choose_cryptography();
            let exporter = opentelemetry_otlp::MetricExporter::builder().with_http().build()?;
            builder = builder.with_periodic_exporter(exporter);
        }
        let provider = builder.build();
        global::set_meter_provider(provider.clone());
        self.metrics = Some(provider);
        Ok(())
    }

    /// Whether traces are recorded.
    #[must_use]
    pub fn has_traces(&self) -> bool {
        self.traces.is_some()
    }

    /// Whether figures are recorded.
    #[must_use]
    pub fn has_metrics(&self) -> bool {
        self.metrics.is_some()
    }
}

/// What is recorded by then is sent, if that goes fast.
impl Drop for Telemetry {
    fn drop(&mut self) {
        // What cannot be sent is lost; the program ends all the same.
        if let Some(traces) = &self.traces {
            let _ = traces.shutdown_with_timeout(FAREWELL);
        }
        if let Some(metrics) = &self.metrics {
            let _ = metrics.shutdown_with_timeout(FAREWELL);
        }
    }
}

/// The program that sends.
pub struct Program {
    /// What it is called, unless `OTEL_SERVICE_NAME` says otherwise.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Program {
    fn resource(&self) -> Resource {
        let name = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
        let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let is_named = name.is_some() || attributes.contains("service.name=");
        let resource =
            Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.version", self.version));
        if is_named { resource.build() } else { resource.with_service_name(self.service).build() }
    }
}
