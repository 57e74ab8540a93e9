//! Writing and deleting an item, and what became of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use larder_api::web::header;
use larder_protocol::{ItemId, Metadata, Revision};
use reqwest::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};

use super::Client;
use crate::failure::Failure;

/// What the item has to be like when the write's turn comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    None,
    /// There is one.
    Exists,
    /// There is none.
    Absent,
    /// It is at this revision.
    At(Revision),
    /// It is not at this revision.
    NotAt(Revision),
}

/// What is stored.
#[derive(Clone, Debug)]
pub struct Content {
    pub content_type: String,
    pub value: Bytes,
    pub metadata: Metadata,
    pub ttl: Option<Duration>,
}

/// What became of a write, as far as it was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It made the item.
    Created,
    /// It replaced it or, without one, changed nothing.
    Replaced,
    /// It is accepted, durably, and its turn has not come.
    Pending,
}

/// A write that was accepted.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub revision: String,
    pub outcome: Fate,
}

impl Client {
    /// Stores an item, and waits for the outcome.
    ///
    /// # Errors
    /// [`Failure`]; 412 where the condition does not hold.
    pub async fn put(
        &self,
        id: &ItemId,
        content: Content,
        condition: Condition,
        wait: Duration,
    ) -> anyhow::Result<Written> {
        let path = match content.ttl {
            None => format!("/items/{}", id.to_path()),
            Some(ttl) => format!("/items/{}?ttl={}", id.to_path(), ttl.as_secs()),
        };
        let mut request = self.writing(Method::PUT, &path)?.header(CONTENT_TYPE, content.content_type);
        for (name, text) in content.metadata.iter() {
            request = request.header(format!("{}{name}", header::METADATA_PREFIX), text);
        }
        Ok(self.write(request.body(content.value), condition, wait).await?)
    }

    /// Removes an item, and waits for the outcome. That there is none is no failure.
    ///
    /// # Errors
    /// As [`Client::put`].
    pub async fn delete(&self, id: &ItemId, condition: Condition, wait: Duration) -> anyhow::Result<Written> {
        let request = self.writing(Method::DELETE, &format!("/items/{}", id.to_path()))?;
        Ok(self.write(request, condition, wait).await?)
    }

    async fn write(&self, request: RequestBuilder, condition: Condition, wait: Duration) -> Result<Written, Failure> {
        let request = match condition {
            Condition::None => request,
            Condition::Exists => request.header(IF_MATCH, "*"),
            Condition::Absent => request.header(IF_NONE_MATCH, "*"),
            Condition::At(revision) => request.header(IF_MATCH, revision.etag()),
            Condition::NotAt(revision) => request.header(IF_NONE_MATCH, revision.etag()),
        };
        let preference = if wait.is_zero() { "respond-async".to_owned() } else { format!("wait={}", wait.as_secs()) };
        let deadline = Instant::now() + wait;
        let response = self.send(request.header(header::PREFER, preference), &[]).await?;
        let status = response.status();
        let revision = response.headers().get(header::REVISION).and_then(|value| value.to_str().ok());
        let Some(revision) = revision.map(str::to_owned) else {
            return Err(Failure::Stranger { url: self.base().to_owned(), status: status.as_u16() });
        };
        let outcome = match status {
            StatusCode::CREATED => Fate::Created,
            StatusCode::NO_CONTENT | StatusCode::OK => Fate::Replaced,
            _ if wait.is_zero() => Fate::Pending,
            _ => self.settled(&revision, deadline).await?,
        };
        Ok(Written { revision, outcome })
    }

    /// Asks what became of a write that the store itself did not wait for so long.
    async fn settled(&self, revision: &str, deadline: Instant) -> Result<Fate, Failure> {
        #[derive(Deserialize)]
        struct Outcome {
            outcome: String,
            #[serde(default)]
            reason: String,
        }
        while Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let response = self.send(self.request(Method::GET, &format!("/writes/{revision}")), &[]).await?;
            let Outcome { outcome, reason } = self.json(response).await?;
            match outcome.as_str() {
                "applied" => return Ok(Fate::Replaced),
                "rejected" => return Err(Failure::Condition(format!("the write {revision} was rejected: {reason}"))),
                _ => {}
            }
        }
        Ok(Fate::Pending)
    }
}
