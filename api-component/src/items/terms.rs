//! What the headers of a write to one item ask for, and how such a write is sent and answered.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use larder_protocol::{Condition, ItemId, Operation, Outcome, Partition, Revision, Write, limits};

use crate::context::Context;
use crate::store;
use crate::store::redis::Redis;
use crate::web::preference::Preference;
use crate::web::problem::Problem;
use crate::web::{header, json};
use crate::writes::outcome::{self, OutcomeDocument};
use crate::writes::sent::{self, Sent};
use crate::writes::{idempotency, precondition};

/// What the headers of a request ask of its write and of the answer.
pub struct Terms {
    /// In which state the item must be.
    pub condition: Condition,
    /// The Redis key that remembers the request.
    pub idempotency: Option<String>,
    /// How the client would like to be answered.
    pub preference: Preference,
    /// How long to wait for the outcome; zero for not at all.
    pub patience: Duration,
}

impl Terms {
    /// Reads them. Whoever sets a condition wants to know whether it held, and waits unless it says
    /// otherwise.
    pub fn of(headers: &HeaderMap, id: &ItemId, context: &Context<'_, impl Redis>) -> Result<Self, Problem> {
        Self::read(headers, id, context, |condition| !condition.is_none())
    }

    /// Reads those of a patch, which always sets one.
    pub fn of_patch(headers: &HeaderMap, id: &ItemId, context: &Context<'_, impl Redis>) -> Result<Self, Problem> {
        Self::read(headers, id, context, |_| true)
    }

    fn read(
        headers: &HeaderMap,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
        waits: impl FnOnce(&Condition) -> bool,
    ) -> Result<Self, Problem> {
        let condition = precondition::condition(headers, Partition::of(id))?;
        let idempotency = idempotency::record(headers, id, context.access.owner())?;
        let preference = Preference::of(headers, context.config.max_wait_seconds);
        let longest = context.config.max_wait_seconds;
        let usual = if waits(&condition) { limits::CONDITIONAL_WAIT_SECONDS.min(longest) } else { 0 };
        let patience = preference.wait(Duration::from_secs(usual));
        Ok(Self { condition, idempotency, preference, patience })
    }

    /// Puts the write on its channel in one command, and waits for its outcome if that is wanted.
    pub async fn accept(
        self,
        operation: Operation,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
    ) -> Result<Response<Bytes>, Problem> {
        let Self { condition, idempotency, preference, patience } = self;
        let wait = (!patience.is_zero()).then_some(patience);
        let write = Write { operation, condition, wait, idempotency, trace: context.log.trace };
        let accepted =
            store::accept(context.redis, id, &write, context.config.max_pending).await.map_err(store::write_failed)?;
        let mut sent = Sent::of(accepted, id)?;
        if wait.is_some() {
            sent.wait(write.idempotency.as_deref(), patience, id, context).await;
        }
        answer(&sent, wait.is_some(), preference, id)
    }
}

/// The answer to a write to the item `id` that is on its channel, or has been.
pub fn answer(sent: &Sent, waited: bool, preference: Preference, id: &ItemId) -> Result<Response<Bytes>, Problem> {
    let mut response = match &sent.outcome {
        Some(outcome) if waited => settled(sent.revision, outcome)?,
        outcome => accepted(sent.revision, outcome.as_ref(), id),
    };
    let headers = response.headers_mut();
    insert(headers, header::REVISION, &sent.revision.to_string());
    preference.applied(headers);
    Ok(response)
}

/// The answer when the outcome is known: 201, 204, the sum of an increment, or why it was not done.
fn settled(revision: Revision, outcome: &Outcome) -> Result<Response<Bytes>, Problem> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = sent::status(revision, outcome)?;
    if matches!(outcome, Outcome::Created | Outcome::Replaced | Outcome::Incremented(_)) {
        insert(response.headers_mut(), ETAG, &revision.etag());
    }
    if let Outcome::Incremented(sum) = outcome {
        response.headers_mut().insert(CONTENT_TYPE, header::TEXT);
        response.headers_mut().insert(CACHE_CONTROL, header::NO_STORE);
        *response.body_mut() = sum.to_string().into();
    }
    Ok(response)
}

/// The answer when the client does not wait, or not longer: 202 and where the outcome will be.
fn accepted(revision: Revision, outcome: Option<&Outcome>, id: &ItemId) -> Response<Bytes> {
    let mut response = json::document(&OutcomeDocument::of(revision, outcome));
    *response.status_mut() = StatusCode::ACCEPTED;
    insert(response.headers_mut(), LOCATION, &outcome::path(revision, id));
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).expect("revisions and encoded ids are ASCII"));
}
