//! `PUT`, `POST` and `DELETE /items/{id}`: checks the request in full, then puts it on the
//! write channel.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use larder_protocol::item::InvalidContentType;
use larder_protocol::token::Scope;
use larder_protocol::{Content, ItemId, Operation};

use super::envelope::{Envelope, InvalidEnvelope};
use super::terms::Terms;
use super::{EmptyValue, metadata};
use crate::context::Context;
use crate::store::redis::Redis;
use crate::web::body::{self, BodyError, RequestBody};
use crate::web::problem::Problem;
use crate::web::query::InvalidQuery;
use crate::web::{json, query};

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

/// Adds to the item where the query says so; stores what an envelope holds where the body is JSON;
/// and does what `PUT` does otherwise.
pub async fn post(
    request: Request<impl RequestBody>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Write, id)?;
    let [ttl, op, by] = query::parameters(request.uri(), ["ttl", "op", "by"])?;
    let ttl = ttl.as_deref().map(query::ttl).transpose()?;
    if op.is_some() || by.is_some() {
        return increment(request, op, by, ttl, id, context).await;
    }
    let is_envelope = content_type(request.headers())?.is_some_and(|content_type| json::is_document(&content_type));
    if !is_envelope {
        return put(request, id, context).await;
    }
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

/// Adds to the integer that the item holds.
async fn increment(
    request: Request<impl RequestBody>,
    op: Option<String>,
    by: Option<String>,
    ttl: Option<Duration>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    if op.as_deref() != Some("increment") {
        return Err(InvalidQuery::Op.into());
    }
    let by = by.as_deref().map_or(Ok(1), query::by)?;
    let terms = Terms::of(request.headers(), id, context)?;
    body::read(request, 0).await.map_err(|error| match error {
        BodyError::TooLarge(_) => InvalidEnvelope::OfIncrement.into(),
        error => Problem::from(error),
    })?;
    terms.accept(Operation::Increment { by, ttl }, id, context).await
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
