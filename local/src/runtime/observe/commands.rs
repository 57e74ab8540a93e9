//! A Redis command of a request. Keys and values stay untold.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::{Instruments, Observer};

/// A command that is under way; nothing where nobody is told of it.
pub struct Command(Option<UnderWay>);

struct UnderWay {
    instruments: Arc<Instruments>,
    started: Instant,
    attributes: Vec<KeyValue>,
    context: Context,
}

impl Observer {
    /// A command of this name is sent, for the request that `context` is of. Neither is asked for in vain.
    pub fn command(&self, name: impl FnOnce() -> String, context: impl FnOnce() -> Option<Context>) -> Command {
        let Some(instruments) = self.0.clone() else { return Command(None) };
        let name = name().to_ascii_uppercase();
        let attributes =
            vec![KeyValue::new("db.system.name", "redis"), KeyValue::new("db.operation.name", name.clone())];
        let context = match context().filter(|_| instruments.traces) {
            Some(request) => {
                let span = instruments.tracer.span_builder(name).with_kind(SpanKind::Client);
                let span = span.with_attributes(attributes.clone());
                request.with_span(span.start_with_context(&instruments.tracer, &request))
            }
            None => Context::new(),
        };
        Command(Some(UnderWay { instruments, started: Instant::now(), attributes, context }))
    }
}

impl Command {
    /// It was answered.
    pub fn answered<T, E>(self, answer: &Result<T, E>) {
        let Some(UnderWay { instruments, started, mut attributes, context }) = self.0 else { return };
        let span = context.span();
        if answer.is_err() {
            attributes.push(KeyValue::new("error.type", "error"));
            span.set_attribute(KeyValue::new("error.type", "error"));
            span.set_status(Status::error(""));
        }
        span.end();
        instruments.commands.record(started.elapsed().as_secs_f64(), &attributes);
    }
}
