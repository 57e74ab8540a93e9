//! A client that sends one operation over HTTP and records what came of it.
//!
//! It must never claim more than it knows: whatever is not plainly an acknowledgement or plainly
//! a refusal is [`Answer::Unknown`]. It takes "Nothing was written" at its word, so the check
//! finds out if that is a lie.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_api::web::header;
use larder_api::web::problem::TYPE_PREFIX;
use larder_protocol::{ItemId, Partition, Revision, StreamId};
use reqwest::{Method, Response, StatusCode};
use reqwest_middleware::RequestBuilder;
use serde_json::Value;

use super::operation::{Answer, Call, Change, Condition, Operation};
use crate::Larder;

/// How long the clients ask the component to wait, in seconds.
const WAIT: u64 = 1;

/// How long a client waits for an answer: shorter than the longest pauses of the nemesis, so that
/// it gives up some requests that are done all the same.
const PATIENCE: Duration = Duration::from_millis(500);

/// The one clock of a history: monotonic, and read by all clients.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).expect("no history lasts for 500 years")
    }
}

/// One of the clients of a history.
#[derive(Clone)]
pub struct Client {
    larder: Arc<Larder>,
    number: usize,
    clock: Clock,
}

impl Client {
    /// The client with this number.
    #[must_use]
    pub fn new(larder: Arc<Larder>, number: usize, clock: Clock) -> Self {
        Self { larder, number, clock }
    }

    /// Sends a request to `id`, which is the history's item with the index `item`.
    pub async fn perform(&self, item: usize, id: &ItemId, call: Call) -> Operation {
        let request = self.request(id, &call);
        let invocation = self.clock.now();
        let answer = match (request.send().await, &call) {
            (Ok(response), Call::Read { .. }) => understand_read(response).await,
            (Ok(response), Call::Write { change, .. }) => understand_write(response, *change).await,
            (Err(_), Call::Read { .. }) => Answer::Refused,
            (Err(error), Call::Write { .. }) if error.is_connect() => Answer::Refused,
            (Err(_), Call::Write { .. }) => Answer::Unknown,
        };
        Operation { client: self.number, item, call, answer, invocation, completion: self.clock.now() }
    }

    fn request(&self, id: &ItemId, call: &Call) -> RequestBuilder {
        let partition = Partition::of(id);
        let name = |id: StreamId| Revision { partition, id };
        let waiting = |request: RequestBuilder| {
            request.header(header::PREFER, format!("wait={WAIT}")).timeout(PATIENCE + Duration::from_secs(WAIT))
        };
        match call {
            Call::Read { at_least: None } => self.larder.item(Method::GET, id).timeout(PATIENCE),
            Call::Read { at_least: Some(revision) } => {
                waiting(self.larder.item(Method::GET, id).header(header::MIN_REVISION, name(*revision).to_string()))
            }
            Call::Write { change, condition, wait } => {
                let request = match change {
                    Change::Put(value) => self.larder.item(Method::PUT, id).body(value.to_string()),
                    Change::Delete => self.larder.item(Method::DELETE, id),
                };
                let request = match condition {
                    Condition::Always => request,
                    Condition::Absent => request.header("if-none-match", "*"),
                    Condition::Present => request.header("if-match", "*"),
                    Condition::At(revision) => request.header("if-match", name(*revision).etag()),
                };
                if *wait { waiting(request) } else { request.header(header::PREFER, "respond-async").timeout(PATIENCE) }
            }
        }
    }
}

async fn understand_read(response: Response) -> Answer {
    match (response.status(), etag(&response)) {
        (StatusCode::OK, Some(revision)) => match response.text().await {
            Ok(text) => match text.parse() {
                Ok(value) => Answer::Found { revision, value },
                Err(_) => Answer::Surprise(format!("the value {text:?}")),
            },
            Err(_) => Answer::Refused,
        },
        (StatusCode::NOT_FOUND, _) => Answer::Missing,
        (StatusCode::SERVICE_UNAVAILABLE, _) => Answer::Refused,
        (status, _) => Answer::Surprise(format!("{status} {}", response.text().await.unwrap_or_default())),
    }
}

async fn understand_write(response: Response, change: Change) -> Answer {
    let applied = |revision, existed| Answer::Applied { revision, existed };
    match (response.status(), revision(&response), change) {
        (StatusCode::ACCEPTED, Some(revision), _) => Answer::Accepted(revision),
        (StatusCode::CREATED, Some(revision), Change::Put(_)) => applied(revision, Some(false)),
        (StatusCode::NO_CONTENT, Some(revision), Change::Put(_)) => applied(revision, Some(true)),
        (StatusCode::NO_CONTENT, Some(revision), Change::Delete) => applied(revision, None),
        (StatusCode::PRECONDITION_FAILED, None, _) => Answer::Failed { current: etag(&response) },
        // One that too few replicas have tells its revision, and may be lost all the same.
        (StatusCode::SERVICE_UNAVAILABLE, ..) => {
            let problem: Option<Value> = response.json().await.ok();
            let kind = problem.as_ref().and_then(|p| p["type"].as_str()?.strip_prefix(TYPE_PREFIX));
            match kind {
                Some("store-unavailable" | "overloaded" | "out-of-memory") => Answer::Refused,
                _ => Answer::Unknown,
            }
        }
        (status, ..) => Answer::Surprise(format!("{status} {}", response.text().await.unwrap_or_default())),
    }
}

fn revision(response: &Response) -> Option<StreamId> {
    parse(response, header::REVISION.as_str())
}

fn etag(response: &Response) -> Option<StreamId> {
    parse(response, "etag")
}

fn parse(response: &Response, name: &str) -> Option<StreamId> {
    let text = response.headers().get(name)?.to_str().ok()?;
    Some(text.trim_matches('"').parse::<Revision>().ok()?.id)
}
