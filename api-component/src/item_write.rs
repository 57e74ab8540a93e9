//! `PUT`, `POST` and `DELETE /items/{id}`: checks the request in full, then puts it on the
//! write channel in one command. The worker applies it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use larder_protocol::item::InvalidContentType;
use larder_protocol::{Content, ItemId, Write};

use crate::config::Config;
use crate::envelope::Envelope;
use crate::problem::Problem;
use crate::redis::Redis;
use crate::store::{self, Acceptance};
use crate::write_outcome::{self, OutcomeDocument};
use crate::{body, query};

/// In JSON a character may take six bytes (`\u0041`), so an envelope may be that much larger
/// than the value in it; the rest is room for the other members.
const ENVELOPE_BYTES_PER_BYTE: usize = 6;
const ENVELOPE_EXTRA_BYTES: usize = 1024;

/// Stores the body's bytes under its `Content-Type`.
pub async fn put<B>(
    request: Request<B>,
    id: &ItemId,
    config: &Config,
    redis: &impl Redis,
) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Display,
{
    let ttl = ttl_parameter(&request)?;
    let content_type = content_type(request.headers())?;
    let value = body::read(request, config.max_value_bytes).await?;
    if value.is_empty() {
        return Err(Problem::EmptyValue);
    }
    let content = Content::new(content_type.as_deref(), value.into())?;
    accept(Write::Put { content, ttl }, id, config, redis).await
}

/// Stores what an envelope holds where the body is JSON, and does what `PUT` does otherwise.
pub async fn post<B>(
    request: Request<B>,
    id: &ItemId,
    config: &Config,
    redis: &impl Redis,
) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Display,
{
    let is_json =
        content_type(request.headers())?.is_some_and(|t| essence(&t).eq_ignore_ascii_case("application/json"));
    if !is_json {
        return put(request, id, config, redis).await;
    }
    let ttl = ttl_parameter(&request)?;
    let most = config.max_value_bytes * ENVELOPE_BYTES_PER_BYTE + ENVELOPE_EXTRA_BYTES;
    let envelope = Envelope::parse(&body::read(request, most).await?)?;
    if envelope.content.value().len() > config.max_value_bytes {
        return Err(Problem::TooLarge(config.max_value_bytes));
    }
    let ttl = match (ttl, envelope.ttl) {
        (Some(_), Some(_)) => return Err(query::InvalidQuery::Duplicate("ttl".to_owned()).into()),
        (in_query, in_body) => in_query.or(in_body.map(Duration::from_secs)),
    };
    accept(Write::Put { content: envelope.content, ttl }, id, config, redis).await
}

/// Removes the item. Whether it is there shows only when the write is applied.
pub async fn delete<B>(
    request: &Request<B>,
    id: &ItemId,
    config: &Config,
    redis: &impl Redis,
) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    accept(Write::Delete, id, config, redis).await
}

async fn accept(write: Write, id: &ItemId, config: &Config, redis: &impl Redis) -> Result<Response<Bytes>, Problem> {
    match store::accept(redis, id, write, config.max_pending).await.map_err(Problem::writing)? {
        Acceptance::Full { pending } => Err(Problem::Overloaded(pending)),
        Acceptance::Accepted(revision) => {
            let location = format!("/writes/{revision}");
            let mut response = write_outcome::document(&OutcomeDocument::pending(revision));
            *response.status_mut() = StatusCode::ACCEPTED;
            let location = HeaderValue::from_str(&location).expect("a revision is ASCII");
            response.headers_mut().insert(LOCATION, location);
            Ok(response)
        }
    }
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

/// The media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
