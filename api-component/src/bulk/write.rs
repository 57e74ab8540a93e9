//! `POST /items`: puts and deletes, each accepted or refused on its own.

use std::fmt;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use http_body::Body;
use larder_protocol::token::Scope;
use larder_protocol::{ItemId, Partition, Revision, Write};
use serde::Serialize;

use super::form::{self, Form};
use super::result::{self, Outcomes};
use super::{by_partition, operation};
use crate::access::Access;
use crate::config::Config;
use crate::item_write::Sent;
use crate::problem::Problem;
use crate::redis::Redis;
use crate::{idempotency, query, store};

/// Accepts each operation of the body, those to one item in their order, and answers 200 with
/// their results. Where the store could take none of them now, the answer is that problem.
pub async fn post<B>(
    request: Request<B>,
    access: &Access<'_>,
    config: &Config,
    redis: &impl Redis,
) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Display,
{
    access.require(Scope::Write)?;
    query::parameters(request.uri(), [])?;
    let path = request.uri().path().to_owned();
    let form = Form::of(request.headers())?;
    let key = idempotency::key(request.headers())?;
    let body = form::body(request).await?;

    let (mut outcomes, mut writes) = (Outcomes::new(), Vec::new());
    for (number, json) in form.parts(&body)?.into_iter().enumerate() {
        let parsed = operation::parse(json, config.max_value_bytes).and_then(|(id, write)| {
            access.reach(id.as_str())?;
            let record = key.as_ref().map(|key| idempotency::part_record(&id, access.owner(), key, number));
            Ok((id, Write { idempotency: record, ..write }))
        });
        match parsed {
            Ok(write) => writes.push((number, write)),
            Err(problem) => _ = outcomes.insert(number, (operation::id(json), Err(problem))),
        }
    }
    let parts = by_partition(writes, |(id, _)| id);
    let sent = join_all(parts.into_iter().map(|(p, writes)| send(p, writes, config.max_pending, redis))).await;
    outcomes.extend(sent.into_iter().flatten());

    if outcomes.values().all(|(_, outcome)| outcome.as_ref().is_err_and(Problem::is_temporary))
        && let Some((_, (_, Err(problem)))) = outcomes.pop_first()
    {
        return Err(problem);
    }
    result::log(&path, &outcomes);
    let told = |revision: &Revision| Accepted { revision: revision.to_string() };
    Ok(form.answer(&result::results(&outcomes, StatusCode::ACCEPTED, told)))
}

/// What the result of an accepted operation tells.
#[derive(Serialize)]
struct Accepted {
    revision: String,
}

type Outcome = Result<Revision, Problem>;

/// Sends the writes of one partition; answers each with its number and id.
async fn send(
    partition: Partition,
    writes: Vec<(usize, (ItemId, Write))>,
    max_pending: u64,
    redis: &impl Redis,
) -> Vec<(usize, (Option<String>, Outcome))> {
    let all: Vec<_> = writes.iter().map(|(_, write)| write).collect();
    let mut outcomes = accept(partition, &all, max_pending, redis).await;
    if outcomes.iter().all(|outcome| matches!(outcome, Err(Problem::OutOfMemory))) {
        // None of the call was accepted, but what only removes needs no memory.
        let is_removal = |number: &usize| !all[*number].1.operation.is_put();
        let removals: Vec<_> = (0..all.len()).filter(is_removal).collect();
        let again: Vec<_> = removals.iter().map(|&number| all[number]).collect();
        for (number, outcome) in removals.into_iter().zip(accept(partition, &again, max_pending, redis).await) {
            outcomes[number] = outcome;
        }
    }
    let named = writes.into_iter().zip(outcomes);
    named.map(|((number, (id, _)), outcome)| (number, (Some(id.to_string()), outcome))).collect()
}

async fn accept(
    partition: Partition,
    writes: &[&(ItemId, Write)],
    max_pending: u64,
    redis: &impl Redis,
) -> Vec<Outcome> {
    match store::accept_many(redis, partition, writes, max_pending).await {
        Ok(acceptances) => {
            let each = acceptances.into_iter().zip(writes);
            each.map(|(acceptance, (id, _))| Ok(Sent::of(acceptance.map_err(Problem::writing)?, id)?.revision))
                .collect()
        }
        Err(error) => writes.iter().map(|_| Err(Problem::writing(error.clone()))).collect(),
    }
}
