//! Reading an item.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use larder_api::web::header;
use larder_protocol::{ItemId, Revision};
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap};
use reqwest::{Method, Response};
use serde::{Deserialize, Serialize};

use super::Client;
use super::bulk::{Operation, Value};
use crate::failure::Failure;

/// What is known of an item besides its value, as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub revision: String,
    pub content_type: String,
    pub modified: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
}

/// An item with its value. As JSON it is what `POST /items/get` tells of one, and a line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Item {
    pub id: String,
    pub known: Known,
    pub value: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Form {
    id: String,
    #[serde(flatten)]
    known: Known,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl From<Item> for Form {
    fn from(Item { id, known, value }: Item) -> Self {
        let (value, value_base64) = match value.into() {
            Value::Text(text) => (Some(text), None),
            Value::Base64(text) => (None, Some(text)),
        };
        Self { id, known, value, value_base64 }
    }
}

impl TryFrom<Form> for Item {
    type Error = String;

    fn try_from(Form { id, known, value, value_base64 }: Form) -> Result<Self, String> {
        Self::of(id, known, value, value_base64)
    }
}

impl Item {
    /// An item whose value came as text or in base64.
    pub(super) fn of(id: String, known: Known, text: Option<String>, base64: Option<String>) -> Result<Self, String> {
        let value = match (text, base64) {
            (Some(text), None) => text.into_bytes().into(),
            (None, Some(text)) => {
                BASE64_STANDARD.decode(text).map_err(|error| format!("value_base64 is no base64: {error}"))?.into()
            }
            _ => return Err("an item has a value or a value_base64".to_owned()),
        };
        Ok(Self { id, known, value })
    }

    /// What stores this item anew, with what is left of its time to live; `None` where that is over.
    pub fn put(self, new_only: bool) -> Option<Operation> {
        let ttl = self.known.ttl()?;
        let Known { content_type, meta, .. } = self.known;
        let if_none_match = new_only.then_some("*");
        Some(Operation::Put { id: self.id, value: self.value.into(), content_type, meta, ttl, if_none_match })
    }
}

impl Known {
    /// What is left of the time to live, in seconds, rounded up: `Some(None)` where it has none, and `None` where
    /// it is over. A text that is no time counts as none, so that nothing ends that should not.
    pub fn ttl(&self) -> Option<Option<u64>> {
        let Some(end) = self.expires.as_deref().and_then(|text| humantime::parse_rfc3339(text).ok()) else {
            return Some(None);
        };
        let left = end.duration_since(SystemTime::now()).ok()?;
        Some(Some(left.as_secs() + u64::from(left.subsec_nanos() > 0)).filter(|seconds| *seconds > 0))
    }
}

impl Client {
    /// Reads an item; `min_revision` asks for that state or a later one, and waits for it for a while.
    ///
    /// # Errors
    /// [`Failure`]; 404 where there is none.
    pub async fn get(&self, id: &ItemId, min_revision: Option<Revision>) -> Result<Item, Failure> {
        let response = self.read(Method::GET, id, min_revision).await?;
        let known = self.known(&response)?;
        let value = response.bytes().await.map_err(|error| self.unreachable(error))?;
        Ok(Item { id: id.to_string(), known, value })
    }

    /// The same without the value.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn head(&self, id: &ItemId, min_revision: Option<Revision>) -> Result<Known, Failure> {
        let response = match self.read(Method::HEAD, id, min_revision).await {
            // The answer to HEAD has no body, and so not the problem in words.
            Err(Failure::Problem { .. }) => self.read(Method::GET, id, min_revision).await?,
            response => response?,
        };
        self.known(&response)
    }

    /// An item, or that there is none.
    ///
    /// # Errors
    /// As [`Client::get`], but for 404.
    pub async fn find(&self, id: &ItemId) -> Result<Option<Item>, Failure> {
        match self.get(id, None).await {
            Ok(item) => Ok(Some(item)),
            Err(Failure::Problem { problem, .. }) if problem.kind() == "no-such-item" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn read(&self, method: Method, id: &ItemId, min_revision: Option<Revision>) -> Result<Response, Failure> {
        let mut request = self.request(method, &format!("/items/{}", id.to_path()));
        if let Some(revision) = min_revision {
            request = request.header(header::MIN_REVISION, revision.to_string()).header(header::PREFER, "wait=10");
        }
        self.send(request, &[]).await
    }

    fn known(&self, response: &Response) -> Result<Known, Failure> {
        let headers = response.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let stranger = || Failure::Stranger { url: self.base().to_owned(), status: response.status().as_u16() };
        let revision = text(ETAG).ok_or_else(stranger)?.trim_matches('"').to_owned();
        let revision: Revision = revision.parse().map_err(|_| stranger())?;
        let modified = UNIX_EPOCH + Duration::from_millis(revision.id.ms);
        Ok(Known {
            revision: revision.to_string(),
            content_type: text(CONTENT_TYPE).unwrap_or_default(),
            modified: humantime::format_rfc3339_millis(modified).to_string(),
            expires: text(header::EXPIRES_AT),
            meta: metadata(headers),
        })
    }
}

fn metadata(headers: &HeaderMap) -> BTreeMap<String, String> {
    let texts = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(header::METADATA_PREFIX)?.to_owned(), value.to_str().ok()?.to_owned()))
    });
    texts.collect()
}
