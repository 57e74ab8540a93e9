//! What the log and the answer tell of a request besides its result: who asked, and how long it took.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use larder_protocol::TraceParent;

use crate::access::{Access, Denied};
use crate::config::Config;
use crate::store::Timed;
use crate::web::header;
use crate::web::log::{Field, Level, Log};
use crate::web::problem::Problem;

/// A request under way.
pub struct Record<'a> {
    log: Log,
    method: Method,
    target: Uri,
    /// The name of its token; empty where it has none.
    token: &'a str,
    /// Where every request is logged: when it came.
    started: Option<Instant>,
}

/// What the log calls a request that was neither refused nor failed.
const ANSWERED: &str = "answered";

impl<'a> Record<'a> {
    /// A request that has just come.
    pub fn begin<B>(request: &Request<B>, config: &Config) -> Self {
        let trace = request.headers().get(header::TRACEPARENT).and_then(|value| TraceParent::parse(value.as_bytes()));
        Self {
            log: Log { format: config.log_format, trace },
            method: request.method().clone(),
            target: request.uri().clone(),
            token: "",
            started: config.access_log.then(Instant::now),
        }
    }

    /// Its log.
    pub fn log(&self) -> Log {
        self.log
    }

    /// Who asks is known now.
    pub fn is_by(&mut self, access: &Result<Access<'a>, Denied>) {
        if let Ok(Access::Token(entry)) = access {
            self.token = entry.name.as_str();
        }
    }

    /// It was done; logged where the operator wants to hear of all requests.
    pub fn answered<R>(&self, status: StatusCode, redis: &Timed<'_, R>) {
        if self.started.is_some() {
            let result = [("status", status.as_u16().into())];
            self.log.line(Level::Info, ANSWERED, self.fields(result, redis));
        }
    }

    /// It was not done; logged unless that is an answer like others, and the operator does not want to hear of these.
    pub fn refused<R>(&self, problem: &Problem, redis: &Timed<'_, R>) {
        let (level, said) = match problem.kind().is_refusal() {
            true => (problem.level(), problem.said()),
            false if self.started.is_some() => (Level::Info, ANSWERED),
            false => return,
        };
        self.log.line(level, said, self.fields(problem.fields(), redis));
    }

    fn fields<R>(&self, result: impl IntoIterator<Item = Field>, redis: &Timed<'_, R>) -> impl Iterator<Item = Field> {
        let request = [("method", self.method.as_str().into()), ("path", self.target.path().into())];
        let token = (!self.token.is_empty()).then(|| ("token", self.token.into()));
        let total = self.started.map(|started| started.elapsed());
        let times = [("duration_ms", total), ("redis_ms", redis.commands()), ("wait_ms", redis.waits())];
        let times = times.into_iter().filter_map(|(name, time)| Some((name, milliseconds(time?).into())));
        request.into_iter().chain(result).chain(token).chain(times)
    }
}

/// How long the request was with Redis, and how long it waited there for something to happen, in ms (W3C Server
/// Timing); no header where it did neither.
pub fn timing<R>(redis: &Timed<'_, R>) -> Option<(HeaderName, HeaderValue)> {
    let times = [("redis", redis.commands()), ("wait", redis.waits())];
    let told = times.into_iter().filter_map(|(name, time)| {
        let us = time?.as_micros();
        Some(format!("{name};dur={}.{:03}", us / 1000, us % 1000))
    });
    let text = told.collect::<Vec<_>>().join(", ");
    let value = HeaderValue::try_from(text).expect("names and numbers are ASCII");
    (!value.is_empty()).then_some((header::SERVER_TIMING, value))
}

/// With as many digits as anybody reads.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
