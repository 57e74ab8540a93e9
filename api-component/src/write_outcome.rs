//! `GET /writes/{revision}`: what became of a write.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Request, Response};
use larder_protocol::Revision;
use serde::Serialize;

use crate::problem::Problem;
use crate::redis::Redis;
use crate::store::{self, Outcome};
use crate::{header, query};

/// What a client is told of a write.
#[derive(Serialize)]
pub struct OutcomeDocument {
    revision: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl OutcomeDocument {
    /// A write that was accepted and not yet applied.
    pub fn pending(revision: Revision) -> Self {
        Self { revision: revision.to_string(), outcome: "pending", reason: None }
    }
}

/// Answers the outcome of a write, as far back as outcomes are kept.
pub async fn get<B>(request: &Request<B>, revision: Revision, redis: &impl Redis) -> Result<Response<Bytes>, Problem> {
    query::parameters(request.uri(), [])?;
    let (outcome, reason) = match store::outcome(redis, revision).await.map_err(Problem::reading)? {
        Outcome::Pending => ("pending", None),
        Outcome::Applied => ("applied", None),
        Outcome::Rejected(reason) => ("rejected", Some(reason)),
        Outcome::Unknown => return Err(Problem::NoSuchWrite(revision)),
        Outcome::Gone => return Err(Problem::WriteTooOld(revision)),
    };
    Ok(document(&OutcomeDocument { revision: revision.to_string(), outcome, reason }))
}

/// A document about this moment, as JSON.
pub fn document(content: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(content).expect("strings always serialize");
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, header::JSON);
    response.headers_mut().insert(CACHE_CONTROL, header::NO_STORE);
    response
}
