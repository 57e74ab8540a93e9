//! What the traces of requests are told of their commits (OpenTelemetry).
//!
//! A commit takes many writes, each of a trace of its own, or of none. So there are two sorts of spans: one for the
//! commit, which links to all traces in it that are recorded; and in each of these one for the write, from its
//! acceptance to its commit, which links back. Writes of traces that nobody records cost nothing here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder_protocol::call::{Committed, Told};
use larder_protocol::{Partition, Revision, TraceParent};
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};

/// Tells of the commits of one partition.
pub struct Traces {
    partition: Partition,
    tracer: BoxedTracer,
}

impl Traces {
    pub fn of(partition: Partition) -> Self {
        Self { partition, tracer: global::tracer("larder-worker") }
    }

    /// Tells of a commit that began at `began` and has just ended.
    pub fn tell(&self, began: SystemTime, committed: &Committed) {
        let recorded =
            committed.told.iter().filter_map(|told| Some((told, told.trace.filter(TraceParent::is_sampled)?)));
        let recorded: Vec<_> = recorded.map(|(told, trace)| (told, span_context(&trace))).collect();
        if recorded.is_empty() {
            return;
        }
        let ended = SystemTime::now();
        let count = |name: &'static str, count: u64| KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX));
        let links = recorded.iter().map(|(_, write)| Link::with_context(write.clone())).collect();
        let span = self.tracer.span_builder("commit").with_kind(SpanKind::Consumer).with_start_time(began);
        let span = span.with_links(links).with_attributes([
            self.partition(),
            count("larder.applied", committed.applied),
            count("larder.rejected", committed.rejected),
            count("larder.dead", committed.dead),
            count("larder.left", committed.left),
        ]);
        let mut commit = span.start_with_context(&self.tracer, &Context::new());
        for (told, request) in recorded {
            self.tell_write(told, request, commit.span_context().clone(), ended);
        }
        commit.end_with_timestamp(ended);
    }

    fn tell_write(&self, told: &Told, request: SpanContext, commit: SpanContext, ended: SystemTime) {
        let revision = Revision { partition: self.partition, id: told.id };
        // The clock of Redis; the other is ours.
        let accepted = (UNIX_EPOCH + Duration::from_millis(told.id.ms)).min(ended);
        let span = self.tracer.span_builder("write").with_kind(SpanKind::Consumer).with_start_time(accepted);
        let span = span.with_links(vec![Link::with_context(commit)]).with_attributes([
            self.partition(),
            KeyValue::new("larder.revision", revision.to_string()),
            KeyValue::new("larder.outcome", told.outcome.clone()),
        ]);
        let parent = Context::new().with_remote_span_context(request);
        span.start_with_context(&self.tracer, &parent).end_with_timestamp(ended);
    }

    fn partition(&self) -> KeyValue {
        KeyValue::new("larder.partition", self.partition.to_string())
    }
}

fn span_context(trace: &TraceParent) -> SpanContext {
    let trace_id = TraceId::from_hex(trace.trace_id()).unwrap_or(TraceId::INVALID);
    let span_id = SpanId::from_hex(trace.span_id()).unwrap_or(SpanId::INVALID);
    SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default())
}
