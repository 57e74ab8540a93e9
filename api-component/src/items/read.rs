//! `GET` and `HEAD /items/{id}`: one `GET` in Redis, and what HTTP asks of a cached copy.
//!
//! A client that wrote, or heard of a write, can ask for no older state than that
//! (`Larder-Min-Revision`). Only where the item as it is does not show it, does that cost more.

use std::time::Duration;

use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfMatch, IfModifiedSince, IfNoneMatch, LastModified};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use larder_protocol::item::DEFAULT_CONTENT_TYPE;
use larder_protocol::token::Scope;
use larder_protocol::{Item, ItemId, Partition, Revision, StreamId, timestamp};

use super::{NoSuchItem, StateNotReached};
use crate::context::Context;
use crate::store::redis::Redis;
use crate::store::{self, ReadAfter};
use crate::web::preference::Preference;
use crate::web::problem::Problem;
use crate::web::{header, query};
use crate::writes::{ForeignRevision, PreconditionFailed};

/// Answers the value with what is known of it, or 304 where the client's copy is current
/// (RFC 9110 §13.2.2: `If-Match`, then `If-None-Match`, then `If-Modified-Since`).
pub async fn get<B>(
    request: &Request<B>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Read, id)?;
    query::parameters(request.uri(), [])?;
    let item = match min_revision(request.headers(), id)? {
        None => store::read(context.redis, id).await?,
        Some(oldest) => {
            let preference = Preference::of(request.headers(), context.config.max_wait_seconds);
            read_from(oldest, preference.wait(Duration::ZERO), id, context).await?
        }
    };
    let item = item.ok_or_else(|| NoSuchItem(id.clone()))?;
    let revision = Revision { partition: Partition::of(id), id: item.head.revision };
    let etag: ETag = revision.etag().parse().expect("a quoted revision is an entity tag");
    let modified = timestamp::time(revision.id.ms);

    if request.headers().typed_get::<IfMatch>().is_some_and(|tags| !tags.precondition_passes(&etag)) {
        return Err(PreconditionFailed(Some(revision)).into());
    }
    let current = match (request.headers().typed_get::<IfNoneMatch>(), request.headers().typed_get::<IfModifiedSince>())
    {
        (Some(tags), _) => !tags.precondition_passes(&etag),
        (None, Some(since)) => !since.is_modified(modified),
        (None, None) => false,
    };

    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.typed_insert(etag);
    headers.typed_insert(LastModified::from(modified));
    headers.insert(CACHE_CONTROL, header::REVALIDATE);
    if let Some(ms) = item.head.expires_at_ms {
        headers.insert(header::EXPIRES_AT, HeaderValue::from_str(&timestamp::rfc3339(ms)).expect("a date is ASCII"));
    }
    if current {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        describe_value(headers, &item);
        *response.body_mut() = item.value.into();
    }
    Ok(response)
}

/// The state that the client wants at least, in the partition of the item.
fn min_revision(headers: &HeaderMap, id: &ItemId) -> Result<Option<StreamId>, Problem> {
    let Some(value) = headers.get(header::MIN_REVISION) else { return Ok(None) };
    // An entity tag is a revision in quotes, and may be given as it was got.
    let text = value.to_str().unwrap_or_default().trim_matches('"');
    let revision: Revision = text.parse()?;
    if revision.partition != Partition::of(id) {
        return Err(ForeignRevision(revision).into());
    }
    Ok(Some(revision.id))
}

/// Reads the item at `oldest` or later, never before; waits for it for `patience` at most.
async fn read_from(
    oldest: StreamId,
    patience: Duration,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Option<Item>, Problem> {
    if let Some(item) = store::read(context.redis, id).await?
        // Of the same primary: what another gave out may be lost though later ones are there.
        && item.head.revision >= oldest
        && item.head.revision.term() == oldest.term()
    {
        return Ok(Some(item));
    }
    match store::read_after(context.redis, id, oldest).await? {
        ReadAfter::Current(item) => return Ok(item),
        ReadAfter::Pending if !patience.is_zero() => {}
        ReadAfter::Pending | ReadAfter::Ahead => return Err(StateNotReached.into()),
    }
    store::pass_barrier(context.redis, id, context.config.max_pending, patience).await.map_err(store::read_failed)?;
    match store::read_after(context.redis, id, oldest).await? {
        ReadAfter::Current(item) => Ok(item),
        ReadAfter::Pending | ReadAfter::Ahead => Err(StateNotReached.into()),
    }
}

/// The bytes are somebody else's: they go out under the type they came with, and a browser shall
/// not run them.
fn describe_value(headers: &mut HeaderMap, item: &Item) {
    let content_type = HeaderValue::from_str(&item.head.content_type);
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static(DEFAULT_CONTENT_TYPE)));
    for (name, text) in item.head.metadata.iter() {
        let name = HeaderName::from_bytes([header::METADATA_PREFIX, name].concat().as_bytes());
        if let (Ok(name), Ok(text)) = (name, HeaderValue::from_str(text)) {
            headers.insert(name, text);
        }
    }
    headers.insert(CONTENT_SECURITY_POLICY, header::SANDBOX);
}
