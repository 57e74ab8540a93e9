//! `PATCH /items/{id}`: changes JSON in part.
//!
//! A patch is a conditional write: the item is read, patched, and written if it is still at the
//! revision that was read. Where somebody else was faster, that is done again, a few times at most. So it
//! is atomic and in order without any JSON in the commit script.
//!
//! What is read may be behind what was accepted. A write from such a state is harmless, as its condition
//! does not hold. A refusal would not be: so before one is said, everything that was accepted before is
//! applied and the item read again.
//!
//! An `Idempotency-Key` has a record for each attempt. A repeat goes through the records of the first
//! request: rejected attempts lead to the next, and the one that was not is the answer.

mod document;
mod error;
mod tree;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use larder_protocol::limits::{MAX_PATCH_ATTEMPTS, MAX_PATCHED_BYTES};
use larder_protocol::token::Scope;
use larder_protocol::{
    Condition, Content, Item, ItemId, Metadata, Operation, Outcome, Partition, Revision, Revisions, Write,
};

use self::error::{Contended, NotPatched, NotSettled};
use super::terms::{self, Terms};
use super::{NoSuchItem, metadata};
use crate::context::Context;
use crate::store;
use crate::store::redis::Redis;
use crate::web::body::{self, RequestBody};
use crate::web::problem::Problem;
use crate::web::{json, query};
use crate::writes::PreconditionFailed;
use crate::writes::sent::{NotSent, Sent};

pub use self::document::{Form, Patch};
pub use self::error::InvalidPatch;

/// A patch, and what hangs on it.
pub struct Change {
    /// What shall change.
    pub patch: Patch,
    /// How long the item shall live; as long as before where there is none.
    pub ttl: Option<Duration>,
    /// What the client says about the item from now on; what it said before where it is empty.
    pub metadata: Metadata,
    /// In which state the item must be.
    pub condition: Condition,
    /// What makes it safe to repeat.
    pub key: Option<Key>,
}

/// An idempotency key.
pub struct Key {
    /// The Redis key that remembers the first attempt.
    pub record: String,
    /// What tells the request from others under the same key.
    pub digest: String,
}

impl Form {
    /// The form that the content type says.
    fn of(headers: &HeaderMap) -> Result<Self, InvalidPatch> {
        match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
            Some(text) if json::is_merge_patch(text) => Ok(Self::Merge),
            Some(text) if json::is_patch(text) => Ok(Self::Operations),
            _ => Err(InvalidPatch::ContentType),
        }
    }
}

/// Patches the item, and answers as `PUT` does that waits. Whoever patches learns what the item holds,
/// so it takes the scope to read, too.
pub async fn patch(
    request: Request<impl RequestBody>,
    id: &ItemId,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.permit(Scope::Write, id)?;
    context.access.require(Scope::Read)?;
    let [ttl] = query::parameters(request.uri(), ["ttl"])?;
    let ttl = ttl.as_deref().map(query::ttl).transpose()?;
    let form = Form::of(request.headers())?;
    let Terms { condition, idempotency, preference, patience } = Terms::of_patch(request.headers(), id, context)?;
    let metadata = metadata::of(request.headers())?;
    let body = body::read(request, context.config.max_value_bytes.min(MAX_PATCHED_BYTES)).await?;
    let change = Change { patch: Patch::parse(form, &body)?, ttl, metadata, condition, key: None };
    let key = idempotency.map(|record| Key { record, digest: change.digest(&body) });
    let sent = Change { key, ..change }.send(id, patience, context).await?;
    terms::answer(&sent, !patience.is_zero(), preference, id)
}

impl Change {
    /// A digest of all that it changes; `source` is the patch as it was sent.
    pub fn digest(&self, source: &[u8]) -> String {
        let Condition { if_match, if_none_match } = &self.condition;
        let states = |states: &Option<Revisions>| states.as_ref().map(ToString::to_string).unwrap_or_default();
        let ttl = self.ttl.map(|ttl| ttl.as_secs().to_string()).unwrap_or_default();
        let form = if matches!(self.patch, Patch::Merge(_)) { "merge" } else { "operations" };
        let metadata: Vec<_> = self.metadata.iter().flat_map(|(name, text)| [name, text]).collect();
        let texts = ["patch", form, &ttl, &states(if_match), &states(if_none_match)];
        store::digest_of(texts.into_iter().chain(metadata).map(str::as_bytes).chain([source]))
    }

    /// Patches the item, within `patience`; the outcome is not known where that was too short. Without
    /// any, the item is taken as it is, and there is one attempt that is accepted at most.
    ///
    /// # Errors
    /// The problem that the client is told; then nothing was written, unless it says otherwise.
    pub async fn send(
        &self,
        id: &ItemId,
        patience: Duration,
        context: &Context<'_, impl Redis>,
    ) -> Result<Sent, Problem> {
        let deadline = Instant::now() + patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        // Whether all that was accepted before this request is applied when the item is read.
        let mut settled = patience.is_zero() && !context.redis.is_replicated();
        let mut attempt = 0;
        // Who has no time left does not write again: the outcome would not be heard.
        while attempt == 0 || attempt < MAX_PATCH_ATTEMPTS && (patience.is_zero() || !left().is_zero()) {
            let item = store::read(context.redis, id).await?;
            // Only after that, so that an item which this very request has patched before is not patched
            // once more: its record was there before it was.
            let record = self.key.as_ref().map(|key| key.attempt(attempt));
            let mut sent = match self.earlier(record.as_deref(), id, context).await? {
                Some(earlier) => earlier,
                None => match self.result(item, id, context.config.max_value_bytes) {
                    Ok((operation, condition)) => {
                        let wait = Some(left()).filter(|left| !left.is_zero());
                        let trace = context.log.trace;
                        let write = Write { operation, condition, wait, idempotency: record.clone(), trace };
                        match self.accept(&write, id, context).await? {
                            Some(sent) => sent,
                            None => {
                                (attempt, settled) = (attempt + 1, true);
                                continue;
                            }
                        }
                    }
                    Err(refusal) if settled => return Err(refusal),
                    Err(_) => {
                        if patience.is_zero() {
                            store::confirm(context.redis, id).await.map_err(store::read_failed)?;
                        } else {
                            settle(left(), id, context).await?;
                        }
                        settled = true;
                        continue;
                    }
                },
            };
            let left = left();
            if !left.is_zero() {
                sent.wait(record.as_deref(), left, id, context).await;
            }
            if !matches!(sent.outcome, Some(Outcome::Rejected { .. })) {
                return Ok(sent);
            }
            (attempt, settled) = (attempt + 1, true);
        }
        Err(Contended(attempt).into())
    }

    /// What became of this attempt when the request was sent before.
    async fn earlier(
        &self,
        record: Option<&str>,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
    ) -> Result<Option<Sent>, Problem> {
        let Some((record, key)) = record.zip(self.key.as_ref()) else { return Ok(None) };
        let earlier = store::recall(context.redis, id, record, &key.digest).await;
        Ok(earlier.map_err(store::write_failed)?.map(|accepted| Sent::of(accepted, id)).transpose()?)
    }

    /// Puts an attempt on the channel; `None` where somebody else was certainly faster.
    async fn accept(
        &self,
        write: &Write,
        id: &ItemId,
        context: &Context<'_, impl Redis>,
    ) -> Result<Option<Sent>, Problem> {
        let digest = self.key.as_ref().map(|key| key.digest.as_str()).unwrap_or_default();
        let accepted = store::accept_as(context.redis, id, write, digest, context.config.max_pending).await;
        match Sent::of(accepted.map_err(store::write_failed)?, id) {
            Ok(sent) => Ok(Some(sent)),
            Err(NotSent::PreconditionFailed(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the patch makes of the item, as a write that holds for this state of it only.
    fn result(
        &self,
        item: Option<Item>,
        id: &ItemId,
        max_value_bytes: usize,
    ) -> Result<(Operation, Condition), Problem> {
        let current = item.as_ref().map(|item| item.head.revision);
        if !self.condition.holds(current) {
            return Err(PreconditionFailed(current.map(|at| Revision { partition: Partition::of(id), id: at })).into());
        }
        let Some(Item { head, value }) = item else { return self.new_item(id, max_value_bytes) };
        if !json::is_json(&head.content_type) {
            return Err(NotPatched::ContentType(head.content_type).into());
        }
        let value = self.patch.apply(Some(&value), max_value_bytes)?;
        let metadata = if self.metadata.is_empty() { head.metadata } else { self.metadata.clone() };
        let content = Content::new(Some(&head.content_type), value)?.with_metadata(metadata);
        let operation = match self.ttl {
            None => Operation::Replace { content },
            ttl => Operation::Put { content, ttl },
        };
        let as_read = Revisions::These(vec![head.revision]);
        Ok((operation, Condition { if_match: Some(as_read), if_none_match: None }))
    }

    /// A merge patch makes an item of nothing (RFC 7396 §2), where that is what the client asks for.
    fn new_item(&self, id: &ItemId, max_value_bytes: usize) -> Result<(Operation, Condition), Problem> {
        if matches!(self.patch, Patch::Operations(_)) || self.condition.if_none_match != Some(Revisions::Any) {
            return Err(NoSuchItem(id.clone()).into());
        }
        let value = self.patch.apply(None, max_value_bytes)?;
        let content = Content::new(Some(json::DOCUMENT), value)?.with_metadata(self.metadata.clone());
        Ok((Operation::Put { content, ttl: self.ttl }, self.condition.clone()))
    }
}

/// Waits until everything that was accepted before is applied.
async fn settle(patience: Duration, id: &ItemId, context: &Context<'_, impl Redis>) -> Result<(), Problem> {
    let pass = store::pass_barrier(context.redis, id, context.config.max_pending, patience);
    let is_passed = !patience.is_zero() && pass.await.map_err(store::read_failed)?;
    if is_passed { Ok(()) } else { Err(NotSettled.into()) }
}

impl Key {
    /// The record of an attempt. Nothing else has two line breaks in it.
    fn attempt(&self, attempt: u32) -> String {
        if attempt == 0 { self.record.clone() } else { format!("{}\n\n{attempt}", self.record) }
    }
}
