//! `GET` and `HEAD /items/{id}`: one `GET` in Redis, and what HTTP asks of a cached copy.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfModifiedSince, IfNoneMatch, LastModified};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use larder_protocol::item::DEFAULT_CONTENT_TYPE;
use larder_protocol::{Item, ItemId, Partition, Revision};

use crate::problem::Problem;
use crate::redis::Redis;
use crate::{header, query, store};

/// Answers the value with what is known of it, or 304 where the client's copy is current
/// (RFC 9110 §13.1.2 and §13.1.3; `If-None-Match` goes first).
pub async fn get<B>(request: &Request<B>, id: &ItemId, redis: &impl Redis) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    let item = store::read(redis, id).await?.ok_or_else(|| Problem::NoSuchItem(id.clone()))?;
    let revision = Revision { partition: Partition::of(id), id: item.revision };
    let etag: ETag = revision.etag().parse().expect("a quoted revision is an entity tag");
    let modified = UNIX_EPOCH + Duration::from_millis(revision.id.ms);

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
    if let Some(ms) = item.expires_at_ms {
        headers.insert(header::EXPIRES_AT, rfc3339(ms));
    }
    if current {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        describe_value(headers, &item);
        *response.body_mut() = item.value.into();
    }
    Ok(response)
}

/// The bytes are somebody else's: they go out under the type they came with, and a browser
/// shall neither guess another nor run them.
fn describe_value(headers: &mut HeaderMap, item: &Item) {
    let content_type = HeaderValue::from_str(&item.content_type);
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static(DEFAULT_CONTENT_TYPE)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, header::NO_SNIFF);
    headers.insert(CONTENT_SECURITY_POLICY, header::SANDBOX);
}

fn rfc3339(ms: u64) -> HeaderValue {
    let time = UNIX_EPOCH + Duration::from_millis(ms);
    // Beyond the year 9999 there is no RFC 3339; no write of ours can get there.
    let text = humantime::format_rfc3339_millis(time).to_string();
    HeaderValue::from_str(&text).expect("a date is ASCII")
}
