//! `POST /items`: puts, patches, increments and deletes, each accepted or refused on its own.

use std::mem;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use larder_protocol::token::Scope;
use larder_protocol::{ItemId, Outcome, Partition, Revision, Write, limits};
use serde::Serialize;

use super::form::{self, Form};
use super::operation::Plan;
use super::result::{self, Outcomes};
use super::{by_partition, operation};
use crate::context::Context;
use crate::items::patch::Key;
use crate::store;
use crate::store::redis::{Redis, RedisError};
use crate::web::body::RequestBody;
use crate::web::log::Level;
use crate::web::preference::Preference;
use crate::web::problem::{Kind, Problem};
use crate::web::query;
use crate::writes::idempotency;
use crate::writes::sent::{self, Sender, Sent};

/// Accepts each operation of the body, those to one item in their order, and answers 200 with
/// their results. Where the store could take none of them now, the answer is that problem.
pub async fn post(
    request: Request<impl RequestBody>,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.require(Scope::Write)?;
    query::parameters(request.uri(), [])?;
    let path = request.uri().path().to_owned();
    let form = Form::of(request.headers())?;
    let key = idempotency::key(request.headers())?;
    let preference = Preference::of(request.headers(), context.config.max_wait_seconds);
    let patience = preference.wait(Duration::ZERO);
    let body = form::body(request).await?;

    let (mut outcomes, mut plans) = (Outcomes::new(), Vec::new());
    for (number, json) in form.parts(&body)?.into_iter().enumerate() {
        let parsed = operation::parse(json, context.config.max_value_bytes).and_then(|(id, plan)| {
            context.access.reach(id.as_str())?;
            let record = key.as_ref().map(|key| idempotency::part_record(&id, context.access.owner(), key, number));
            let plan = match plan {
                Plan::Write(write) => {
                    let wait = (!patience.is_zero()).then_some(patience);
                    Plan::Write(Write { idempotency: record, wait, trace: context.log.trace, ..write })
                }
                Plan::Patch(mut change) => {
                    context.access.require(Scope::Read)?;
                    change.key = record.map(|record| Key { record, digest: change.digest(json) });
                    Plan::Patch(change)
                }
            };
            Ok((id, plan))
        });
        match parsed {
            Ok(plan) => plans.push((number, plan)),
            Err(problem) => _ = outcomes.insert(number, (operation::id(json), Err(problem))),
        }
    }
    let now = Instant::now();
    let usual = limits::CONDITIONAL_WAIT_SECONDS.min(context.config.max_wait_seconds);
    let deadlines = Deadlines {
        writes: (!patience.is_zero()).then(|| now + patience),
        patches: now + preference.wait(Duration::from_secs(usual)),
    };
    let parts = by_partition(plans, |(id, _)| id);
    let sent = join_all(parts.into_iter().map(|(p, plans)| do_in_order(p, plans, deadlines, context))).await;
    outcomes.extend(sent.into_iter().flatten());

    if let Some(problem) = result::common(&mut outcomes) {
        return Err(problem);
    }
    result::log(context.log, &path, &outcomes);
    let told = |done: &Done| {
        (done.status, Accepted { revision: done.revision.to_string(), value: done.sum.map(|sum| sum.to_string()) })
    };
    let mut response = form.answer(&result::results(&outcomes, told));
    preference.applied(response.headers_mut());
    Ok(response)
}

/// What the result of an accepted operation tells.
#[derive(Serialize)]
struct Accepted {
    revision: String,
    /// What an item holds that was added to; as text, for many a client's number does not hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// An operation that was accepted; its status tells more where somebody waited for it.
struct Done {
    revision: Revision,
    status: StatusCode,
    sum: Option<i64>,
}

/// Until when there is time to wait.
#[derive(Clone, Copy)]
struct Deadlines {
    /// For the outcomes of writes; `None` where nobody waits for them.
    writes: Option<Instant>,
    /// For patches, which wait by themselves.
    patches: Instant,
}

type Told = (usize, (Option<String>, Result<Done, Problem>));

/// Does what is planned for one partition in its order: each patch by itself, and what is between two of
/// them in one command.
async fn do_in_order(
    partition: Partition,
    plans: Vec<(usize, (ItemId, Plan))>,
    deadlines: Deadlines,
    context: &Context<'_, impl Redis>,
) -> Vec<Told> {
    let (mut told, mut writes) = (Vec::new(), Vec::new());
    for (number, (id, plan)) in plans {
        match plan {
            Plan::Write(write) => writes.push((number, (id, write))),
            Plan::Patch(change) => {
                told.extend(send(partition, mem::take(&mut writes), deadlines.writes, context).await);
                let patience = deadlines.patches.saturating_duration_since(Instant::now());
                let sent = change.send(&id, patience, context).await;
                told.push((number, (Some(id.to_string()), sent.and_then(|sent| done(sent, !patience.is_zero())))));
            }
        }
    }
    told.extend(send(partition, writes, deadlines.writes, context).await);
    told
}

/// Sends the writes of one partition, and waits for them if that is wanted; answers each with its
/// number and id.
async fn send(
    partition: Partition,
    writes: Vec<(usize, (ItemId, Write))>,
    deadline: Option<Instant>,
    context: &Context<'_, impl Redis>,
) -> Vec<Told> {
    if writes.is_empty() {
        return vec![];
    }
    let all: Vec<_> = writes.iter().map(|(_, write)| write).collect();
    let mut sent = accept(partition, &all, context).await;
    // Where memory is short none of the call is accepted, but what only removes needs none.
    let is_out_of_memory = |problem: &Problem| problem.kind() == Kind::OutOfMemory;
    let is_refused = |number: &usize| sent[*number].as_ref().is_err_and(is_out_of_memory);
    let removals = (0..all.len()).filter(is_refused).filter(|&number| !all[number].1.operation.stores());
    let removals: Vec<_> = removals.collect();
    if !removals.is_empty() {
        let again: Vec<_> = removals.iter().map(|&number| all[number]).collect();
        for (number, outcome) in removals.into_iter().zip(accept(partition, &again, context).await) {
            sent[number] = outcome;
        }
    }
    if let Some(deadline) = deadline {
        wait(partition, &mut sent, &all, deadline, context).await;
    }
    let each = writes.into_iter().zip(sent);
    let each = each.map(|((number, (id, _)), sent)| {
        let done = sent.and_then(|sent| done(sent, deadline.is_some()));
        (number, (Some(id.to_string()), done))
    });
    each.collect()
}

fn done(sent: Sent, waited: bool) -> Result<Done, Problem> {
    let Sent { revision, outcome, .. } = sent;
    let Some(outcome) = outcome.filter(|_| waited) else {
        return Ok(Done { revision, status: StatusCode::ACCEPTED, sum: None });
    };
    let sum = match outcome {
        Outcome::Incremented(sum) => Some(sum),
        _ => None,
    };
    Ok(Done { revision, status: sent::status(revision, &outcome)?, sum })
}

/// Waits for the last of the writes, which is also the last that is applied; then the outcomes of
/// all others are there. The deadline is that of all partitions, which may wait one after the other.
async fn wait(
    partition: Partition,
    sent: &mut [Result<Sent, Problem>],
    writes: &[&(ItemId, Write)],
    deadline: Instant,
    context: &Context<'_, impl Redis>,
) {
    let on_channel = sent.iter_mut().zip(writes).filter_map(|(sent, write)| Some((sent.as_mut().ok()?, write)));
    let mut on_channel: Vec<_> = on_channel.collect();
    let Some((last, (id, write))) = on_channel.iter_mut().max_by_key(|(sent, _)| sent.revision.id) else { return };
    let patience = deadline.saturating_duration_since(Instant::now());
    if !patience.is_zero() {
        last.wait(write.idempotency.as_deref(), patience, id, context).await;
    }

    if let Err(error) = learn_outcomes(partition, on_channel, context).await {
        let fields = [("partition", partition.to_string().into()), ("error", error.to_string().into())];
        context.log.line(Level::Warn, "cannot wait for writes; they are accepted", fields);
    }
}

/// Takes the outcomes that are not known yet from where they are told: each to the request that sent the write, and in the
/// record to those that repeat it.
async fn learn_outcomes(
    partition: Partition,
    on_channel: Vec<(&mut Sent, &&(ItemId, Write))>,
    context: &Context<'_, impl Redis>,
) -> Result<(), RedisError> {
    let unknown = on_channel.into_iter().filter(|(sent, _)| sent.outcome.is_none());
    let (ours, earlier): (Vec<_>, Vec<_>) = unknown.partition(|(sent, _)| matches!(sent.by, Sender::Us { .. }));
    let writes: Vec<_> = ours.iter().map(|(sent, _)| sent.revision.id).collect();
    let outcomes = store::take_outcomes(context.redis, partition, &writes).await?;
    ours.into_iter().zip(outcomes).for_each(|((sent, _), outcome)| sent.outcome = outcome);
    for (sent, (id, write)) in earlier {
        if let Some(record) = &write.idempotency {
            sent.outcome = store::remembered(context.redis, id, record).await?;
        }
    }
    Ok(())
}

async fn accept(
    partition: Partition,
    writes: &[&(ItemId, Write)],
    context: &Context<'_, impl Redis>,
) -> Vec<Result<Sent, Problem>> {
    match store::accept_many(context.redis, partition, writes, context.config.max_pending).await {
        Ok(each) => {
            let each = each.into_iter().zip(writes);
            each.map(|(accepted, (id, _))| Ok(Sent::of(accepted.map_err(store::write_failed)?, id)?)).collect()
        }
        Err(error) => writes.iter().map(|_| Err(store::write_failed(error.clone()))).collect(),
    }
}
