//! `PUT`, `POST` and `DELETE /items/{id}`: checks the request in full, then puts it on the
//! write channel in one command, and waits for the worker to apply it if that is wanted.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use larder_protocol::item::InvalidContentType;
use larder_protocol::token::Scope;
use larder_protocol::{Condition, Content, ItemId, Operation, Outcome, Partition, Revision, Write, limits};

use super::envelope::{Envelope, InvalidEnvelope};
use super::{EmptyValue, metadata};
use crate::context::Context;
use crate::store;
use crate::store::redis::Redis;
use crate::web::body::{self, BodyError, RequestBody};
use crate::web::preference::Preference;
use crate::web::problem::Problem;
use crate::web::{header, json, query};
use crate::writes::outcome::{self, OutcomeDocument};
use crate::writes::sent::{self, Sent};
use crate::writes::{idempotency, precondition};

/// In JSON a character may take six bytes (`\u0041`), so an envelope may be that much larger
/// than the value in it; the rest is room for the other members.
const ENVELOPE_BYTES_PER_BYTE: usize = 6;
const ENVELOPE_EXTRA_BYTES: usize = 1024;

/// Stores the body's bytes under its `Content-Type`.
pub async fn put(
    request: Request<impl RequestBody>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Write, id)?;
    let ttl = ttl_parameter(&request)?;
    let terms = Terms::of(request.headers(), id, context)?;
    let content_type = content_type(request.headers())?;
    let metadata = metadata::of(request.headers())?;
    let value = body::read(request, context.config.max_value_bytes).await?;
    if value.is_empty() {
        return Err(EmptyValue.into());
    }
    let content = Content::new(content_type.as_deref(), value.into())?.with_metadata(metadata);
    terms.accept(Operation::Put { content, ttl }, id, context).await
}

/// Stores what an envelope holds where the body is JSON, and does what `PUT` does otherwise.
pub async fn post(
    request: Request<impl RequestBody>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Write, id)?;
    let is_envelope = content_type(request.headers())?.is_some_and(|content_type| json::is_document(&content_type));
    if !is_envelope {
        return put(request, id, context).await;
    }
    let ttl = ttl_parameter(&request)?;
    let terms = Terms::of(request.headers(), id, context)?;
    let metadata = metadata::of(request.headers())?;
    let most = context.config.max_value_bytes * ENVELOPE_BYTES_PER_BYTE + ENVELOPE_EXTRA_BYTES;
    let envelope = Envelope::parse(&body::read(request, most).await?)?;
    if envelope.content.value().len() > context.config.max_value_bytes {
        return Err(BodyError::TooLarge(context.config.max_value_bytes).into());
    }
    let ttl = match (ttl, envelope.ttl) {
        (Some(_), Some(_)) => return Err(InvalidEnvelope::TtlTwice.into()),
        (in_query, in_body) => in_query.or(in_body.map(Duration::from_secs)),
    };
    terms.accept(Operation::Put { content: envelope.content.with_metadata(metadata), ttl }, id, context).await
}

/// Removes the item. Whether it is there shows only when the write is applied.
pub async fn delete<B>(
    request: &Request<B>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Write, id)?;
    query::parameters(request.uri(), [])?;
    Terms::of(request.headers(), id, context)?.accept(Operation::Delete, id, context).await
}

/// What the headers of a request ask of its write and of the answer.
struct Terms {
    condition: Condition,
    idempotency: Option<String>,
    preference: Preference,
    /// How long to wait for the outcome; zero for not at all.
    patience: Duration,
}

impl Terms {
    fn of(headers: &HeaderMap, id: &ItemId, context: &Context<'_, impl Redis>) -> Result<Self, Problem> {
        let condition = precondition::condition(headers, Partition::of(id))?;
        let idempotency = idempotency::record(headers, id, context.access.owner())?;
        let preference = Preference::of(headers, context.config.max_wait_seconds);
        // Whoever sets a condition wants to know whether it held.
        let usual =
            if condition.is_none() { 0 } else { limits::CONDITIONAL_WAIT_SECONDS.min(context.config.max_wait_seconds) };
        let patience = preference.wait(Duration::from_secs(usual));
        Ok(Self { condition, idempotency, preference, patience })
    }

    async fn accept(
        self,
        operation: Operation,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
    ) -> Result<Response<Bytes>, Problem> {
        let Self { condition, idempotency, preference, patience } = self;
        let wait = (!patience.is_zero()).then_some(patience);
        let write = Write { operation, condition, wait, idempotency };
        let accepted =
            store::accept(context.redis, id, &write, context.config.max_pending).await.map_err(store::write_failed)?;
        let mut sent = Sent::of(accepted, id)?;
        if let Some(problem) = sent.under_replicated(id) {
            return Err(problem);
        }
        if wait.is_some() {
            sent.wait(&write, patience, id, context).await;
        }
        let mut response = match &sent.outcome {
            Some(outcome) if wait.is_some() => settled(sent.revision, outcome)?,
            outcome => self::accepted(sent.revision, outcome.as_ref(), id),
        };
        let headers = response.headers_mut();
        insert(headers, header::REVISION, &sent.revision.to_string());
        preference.applied(headers);
        Ok(response)
    }
}

/// The answer when the outcome is known: 201, 204, or why it was not done.
fn settled(revision: Revision, outcome: &Outcome) -> Result<Response<Bytes>, Problem> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = sent::status(revision, outcome)?;
    if matches!(outcome, Outcome::Created | Outcome::Replaced) {
        insert(response.headers_mut(), ETAG, &revision.etag());
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

fn ttl_parameter<B>(request: &Request<B>) -> Result<Option<Duration>, Problem> {
    let [ttl] = query::parameters(request.uri(), ["ttl"])?;
    Ok(ttl.as_deref().map(query::ttl).transpose()?)
}

fn content_type(headers: &HeaderMap) -> Result<Option<String>, InvalidContentType> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    match value.to_str() {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(InvalidContentType::Malformed(String::from_utf8_lossy(value.as_bytes()).into_owned())),
    }
}
