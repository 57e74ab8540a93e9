//! Many items in one request.

use std::collections::BTreeMap;

use backon::Retryable as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use larder_api::web::header;
use larder_protocol::ItemId;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};

use super::{Client, Item, Known, Problem};
use crate::failure::Failure;

/// An operation of a bulk write.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    Put {
        id: String,
        #[serde(flatten)]
        value: Value,
        content_type: String,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        meta: BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_none_match: Option<&'static str>,
    },
    Delete {
        id: String,
    },
}

/// A value as text where it is UTF-8, and in base64 where it is not.
#[derive(Clone, Debug, Serialize)]
pub enum Value {
    #[serde(rename = "value")]
    Text(String),
    #[serde(rename = "value_base64")]
    Base64(String),
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(BASE64_STANDARD.encode(error.as_bytes())),
        }
    }
}

/// What became of an operation.
#[derive(Clone, Debug, Deserialize)]
pub struct Done {
    /// Null where the store could not even read it.
    pub id: Option<String>,
    pub status: u16,
    pub problem: Option<Problem>,
}

impl Done {
    /// It may go better in a moment.
    pub fn is_temporary(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// What went wrong, in one line.
    pub fn trouble(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        let id = self.id.as_deref().unwrap_or("?");
        Some(format!("{id}: {}", problem.told()))
    }
}

/// Why a bulk write is not done with.
enum NotDone {
    /// Some of its operations were refused for now.
    Refused(Vec<Done>),
    /// None of them was done.
    Failed(Failure),
}

impl Client {
    /// Sends operations, each of which is accepted or refused on its own. Those that were refused for now are sent
    /// again, all together and under the same key, so that none is done twice. It waits a while for the outcomes.
    ///
    /// # Errors
    /// [`Failure`] where none of them was done.
    pub async fn write_many(&self, operations: &[Operation]) -> anyhow::Result<Vec<Done>> {
        let mut body = Vec::new();
        for operation in operations {
            serde_json::to_writer(&mut body, operation)?;
            body.push(b'\n');
        }
        let request = self.writing(Method::POST, "/items")?.header(CONTENT_TYPE, "application/x-ndjson");
        let request = request.header(header::PREFER, "wait=10").body(body);
        let once = || self.write_once(&request, operations.len());
        // What failed as a whole was repeated as a whole before.
        match once.retry(self.pauses()).when(|error| matches!(error, NotDone::Refused(_))).await {
            Ok(done) | Err(NotDone::Refused(done)) => Ok(done),
            Err(NotDone::Failed(failure)) => Err(failure.into()),
        }
    }

    async fn write_once(&self, request: &RequestBuilder, operations: usize) -> Result<Vec<Done>, NotDone> {
        let again = request.try_clone().expect("a body in memory can be sent again");
        let response = self.send(again, &[]).await.map_err(NotDone::Failed)?;
        let body = response.text().await.map_err(|error| NotDone::Failed(self.unreachable(error)))?;
        let done: Result<Vec<Done>, _> = body.lines().map(serde_json::from_str).collect();
        match done {
            Ok(done) if done.len() != operations => Err(NotDone::Failed(self.stranger())),
            Ok(done) if done.iter().any(Done::is_temporary) => Err(NotDone::Refused(done)),
            Ok(done) => Ok(done),
            Err(_) => Err(NotDone::Failed(self.stranger())),
        }
    }

    fn stranger(&self) -> Failure {
        Failure::Stranger { url: self.base().to_owned(), status: 200 }
    }

    /// Reads items, in the order of their ids. Those that are not there are left out.
    ///
    /// # Errors
    /// [`Failure`], also where one of them cannot be read.
    pub async fn read_many(&self, ids: Vec<String>) -> Result<Vec<Item>, Failure> {
        let (mut items, mut left) = (Vec::with_capacity(ids.len()), ids);
        while !left.is_empty() {
            let before = left.len();
            // An answer has room for so many values; the others are asked for once more.
            left = self.read_some(&left, &mut items).await?;
            if left.len() == before {
                let id = ItemId::new(left.remove(0)).map_err(|error| Failure::Usage(error.to_string()))?;
                items.extend(self.find(&id).await?);
            }
        }
        items.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(items)
    }

    /// Reads those that fit into one answer, and tells the ids of the others.
    async fn read_some(&self, ids: &[String], items: &mut Vec<Item>) -> Result<Vec<String>, Failure> {
        #[derive(Deserialize)]
        struct Read {
            id: String,
            status: u16,
            problem: Option<Problem>,
            #[serde(flatten)]
            known: Option<Known>,
            value: Option<String>,
            value_base64: Option<String>,
        }
        let response = self.send(self.request(Method::POST, "/items/get").json(ids), &[]).await?;
        let read: Vec<Read> = self.json(response).await?;
        let mut left = Vec::new();
        for Read { id, status, problem, known, value, value_base64 } in read {
            match (status, known) {
                (200, Some(known)) => {
                    items.push(Item::of(id, known, value, value_base64).map_err(|_| self.stranger())?);
                }
                (404, _) => {}
                (413, _) => left.push(id),
                _ => {
                    let problem = problem.ok_or_else(|| self.stranger())?;
                    return Err(Failure::Problem { problem, retry_after: None });
                }
            }
        }
        Ok(left)
    }
}
