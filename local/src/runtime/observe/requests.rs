//! A request, and what became of it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde::Deserialize;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::{Instruments, Observer};

/// A request that is under way.
pub struct Request {
    instruments: Arc<Instruments>,
    started: Instant,
    attributes: Vec<KeyValue>,
    context: Context,
}

/// The media type of errors (RFC 9457), and the part of one that tells it from others.
const PROBLEM: &str = "application/problem+json";

#[derive(Deserialize)]
struct Problem {
    r#type: String,
}

/// Larger than any of ours.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

impl Observer {
    /// A request to a route of the application has come; its headers will name its span as the parent of whatever
    /// comes of it.
    pub fn request(&self, head: &mut http::request::Parts, route: &str) -> Option<Request> {
        let instruments = self.0.clone()?;
        let method = known(&head.method);
        let attributes =
            vec![KeyValue::new("http.request.method", method), KeyValue::new("http.route", route.to_owned())];
        let context = instruments.context(&mut head.headers, head.uri.path(), method, route, &attributes);
        Some(Request { instruments, started: Instant::now(), attributes, context })
    }
}

impl Instruments {
    fn context(
        &self,
        headers: &mut HeaderMap,
        path: &str,
        method: &str,
        route: &str,
        attributes: &[KeyValue],
    ) -> Context {
        if !self.traces {
            return Context::new();
        }
        let propagator = TraceContextPropagator::new();
        let caller = propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let path = [KeyValue::new("url.path", path.to_owned()), KeyValue::new("url.scheme", "http")];
        let span = self.tracer.span_builder(format!("{method} {route}")).with_kind(SpanKind::Server);
        let span = span.with_attributes(attributes.iter().cloned().chain(path));
        let context = caller.with_span(span.start_with_context(&self.tracer, &caller));
        propagator.inject_context(&context, &mut HeaderInjector(headers));
        context
    }
}

impl Request {
    /// What its commands belong to.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// It is answered. The answer stays as it is; of a problem the type is read.
    pub async fn answered(mut self, response: Response<WasiBody>) -> Response<WasiBody> {
        let status = response.status();
        let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|media| media == PROBLEM);
        let (response, problem) = if is_problem { read_problem(response).await } else { (response, None) };
        let error = problem.or_else(|| status.is_server_error().then(|| status.as_str().to_owned()));
        let mut result = vec![KeyValue::new("http.response.status_code", i64::from(status.as_u16()))];
        result.extend(error.map(|error| KeyValue::new("error.type", error)));
        let span = self.context.span();
        span.set_attributes(result.iter().cloned());
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
        self.attributes.extend(result);
        self.instruments.requests.record(self.started.elapsed().as_secs_f64(), &self.attributes);
        response
    }
}

/// The last part of the problem's type; `None` where it has none.
async fn read_problem(response: Response<WasiBody>) -> (Response<WasiBody>, Option<String>) {
    let (head, body) = response.into_parts();
    match Limited::new(body, MAX_PROBLEM_BYTES).collect().await {
        Ok(body) => {
            let bytes = body.to_bytes();
            let problem: Option<Problem> = serde_json::from_slice(&bytes).ok();
            let name = problem.and_then(|problem| Some(problem.r#type.rsplit_once(':')?.1.to_owned()));
            (Response::from_parts(head, whole(bytes)), name)
        }
        // The client will miss the rest of it, as it would have without us.
        Err(_) => (Response::from_parts(head, whole(Bytes::new())), None),
    }
}

fn whole(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(HttpError::from).boxed_unsync()
}

/// A method that everybody knows; the others count as one.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
