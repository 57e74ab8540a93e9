//! `GET /writes/{revision}`: what became of a write.
//!
//! A revision does not tell which item it was for; `?id=`, which is part of the `Location` that
//! an accepted write answers, adds how the item stands now.

use bytes::Bytes;
use http::{Request, Response};
use larder_protocol::token::Scope;
use larder_protocol::{ItemId, NotAdded, Outcome, Partition, Revision, StreamId};
use serde::Serialize;

use super::ForeignRevision;
use crate::context::Context;
use crate::store::redis::Redis;
use crate::store::{self, Progress};
use crate::web::problem::{Kind, Problem};
use crate::web::{json, query};

/// Why the outcome of a write is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NoOutcome {
    #[error("No write {0} was ever accepted, or it was to another item.")]
    NoSuchWrite(Revision),
    #[error("The write {0} is too old: outcomes are kept for an hour.")]
    TooOld(Revision),
}

impl From<NoOutcome> for Problem {
    fn from(error: NoOutcome) -> Self {
        let kind = match error {
            NoOutcome::NoSuchWrite(_) => Kind::NoSuchWrite,
            NoOutcome::TooOld(_) => Kind::WriteTooOld,
        };
        Self::new(kind, error)
    }
}

/// What a client is told of a write.
#[derive(Serialize)]
pub struct OutcomeDocument {
    revision: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    item: Option<ItemState>,
}

/// How the item stands now.
#[derive(Serialize)]
struct ItemState {
    id: String,
    /// The revision of the item now, null where there is none.
    current: Option<String>,
    /// Whether that is this write.
    visible: bool,
}

impl OutcomeDocument {
    /// A write of which no more is known than its outcome; `None` is not yet.
    pub fn of(revision: Revision, outcome: Option<&Outcome>) -> Self {
        let (outcome, reason) = match outcome {
            None => ("pending", None),
            Some(Outcome::Rejected { .. }) => ("rejected", Some("its precondition did not hold".to_owned())),
            Some(Outcome::NotAdded(NotAdded::NoInteger)) => ("rejected", Some("the item holds no integer".to_owned())),
            Some(Outcome::NotAdded(NotAdded::Overflow)) => ("rejected", Some("the sum would overflow".to_owned())),
            Some(Outcome::Dead(reason)) => ("rejected", Some(format!("it can never be applied: {reason}"))),
            Some(_) => ("applied", None),
        };
        Self { revision: revision.to_string(), outcome, reason, item: None }
    }
}

/// The path of this document for a write to the item `id`.
pub fn path(revision: Revision, id: &ItemId) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("id", id.as_str()).finish();
    format!("/writes/{revision}?{query}")
}

/// Answers the outcome of a write, as far back as outcomes are kept.
pub async fn get<B>(
    request: &Request<B>,
    revision: Revision,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    // Whoever wrote may ask, too.
    context.access.require(Scope::Write).or_else(|_| context.access.require(Scope::Read))?;
    let [id] = query::parameters(request.uri(), ["id"])?;
    let id = id.map(ItemId::new).transpose()?;
    // Who names no item asks about a write to any.
    context.access.reach(id.as_ref().map_or("", ItemId::as_str))?;
    if id.as_ref().is_some_and(|id| Partition::of(id) != revision.partition) {
        return Err(ForeignRevision(revision).into());
    }
    let (progress, current) =
        store::progress(context.redis, revision, id.as_ref()).await.map_err(store::read_failed)?;
    let mut answer = match progress {
        Progress::Pending => OutcomeDocument::of(revision, None),
        Progress::Applied => OutcomeDocument { outcome: "applied", ..OutcomeDocument::of(revision, None) },
        Progress::Rejected(outcome) => OutcomeDocument::of(revision, Some(&outcome)),
        Progress::Unknown => return Err(NoOutcome::NoSuchWrite(revision).into()),
        Progress::Gone => return Err(NoOutcome::TooOld(revision).into()),
    };
    answer.item = id.map(|id| item_state(id, current, revision));
    Ok(json::document(&answer))
}

fn item_state(id: ItemId, current: Option<StreamId>, write: Revision) -> ItemState {
    let now = current.map(|id| Revision { id, ..write }.to_string());
    ItemState { id: id.to_string(), current: now, visible: current == Some(write.id) }
}
