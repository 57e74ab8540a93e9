//! `POST /items/get`: many items in one answer.

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use larder_protocol::limits::MAX_BULK_BYTES;
use larder_protocol::token::Scope;
use larder_protocol::{Item, ItemId, Partition};

use super::by_partition;
use super::form::{self, Form};
use super::operation::InvalidOperation;
use super::result::{self, Outcomes};
use crate::context::Context;
use crate::items::NoSuchItem;
use crate::items::document::ReadItem;
use crate::store::redis::Redis;
use crate::store::{self, ManyRead};
use crate::web::body::RequestBody;
use crate::web::problem::{Kind, Problem};
use crate::web::query;

/// Reads the items of a list of ids, and answers 200 with a result for each. The values come to
/// about [`MAX_BULK_BYTES`] at most; items for which there was no room are told as such.
pub async fn post(
    request: Request<impl RequestBody>,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    context.access.require(Scope::Read)?;
    query::parameters(request.uri(), [])?;
    let path = request.uri().path().to_owned();
    let form = Form::of(request.headers())?;
    let body = form::body(request).await?;

    let (mut outcomes, mut ids) = (Outcomes::new(), Vec::new());
    for (number, json) in form.parts(&body)?.into_iter().enumerate() {
        let Ok(text) = serde_json::from_slice::<String>(json) else {
            outcomes.insert(number, (None, Err(InvalidOperation::NoId.into())));
            continue;
        };
        match ItemId::new(text.as_str())
            .map_err(Problem::from)
            .and_then(|id| Ok(context.access.reach(&text).map(|()| id)?))
        {
            Ok(id) => ids.push((number, id)),
            Err(problem) => _ = outcomes.insert(number, (Some(text), Err(problem))),
        }
    }
    let partitions = by_partition(ids, |id| id);
    let room = MAX_BULK_BYTES / partitions.len().max(1);
    let found = join_all(partitions.into_iter().map(|(p, ids)| read(p, ids, room, context.redis))).await;
    outcomes.extend(found.into_iter().flatten());
    if let Some(problem) = result::common(&mut outcomes) {
        return Err(problem);
    }

    result::log(context.log, &path, &outcomes);
    Ok(form.answer(&result::results(&outcomes, |found| (StatusCode::OK, ReadItem::of(found.0, &found.1)))))
}

type Found = (Partition, Item);

/// Reads the items of one partition; answers each with its number and id. Where the partition cannot be asked, each
/// of them has that problem.
async fn read(
    partition: Partition,
    ids: Vec<(usize, ItemId)>,
    room: usize,
    redis: &impl Redis,
) -> Vec<(usize, (Option<String>, Result<Found, Problem>))> {
    let all: Vec<_> = ids.iter().map(|(_, id)| id).collect();
    let found: Vec<Result<_, _>> = match store::read_many(redis, partition, &all, room).await {
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(error) => all.iter().map(|_| Err(store::read_failed(error.clone()))).collect(),
    };
    let each = ids.into_iter().zip(found);
    let each = each.map(|((number, id), found)| {
        let name = id.to_string();
        (number, (Some(name), found.and_then(|found| of_one(partition, id, found))))
    });
    each.collect()
}

fn of_one(partition: Partition, id: ItemId, found: ManyRead) -> Result<Found, Problem> {
    match found {
        ManyRead::Found(Ok(Some(item))) => Ok((partition, item)),
        ManyRead::Found(Ok(None)) => Err(NoSuchItem(id).into()),
        ManyRead::Found(Err(error)) => Err(Problem::internal(format_args!("{id}: {error}"))),
        ManyRead::NoRoom => Err(Problem::new(
            Kind::AnswerTooLarge,
            "The answer has no room left for this item; ask for those that are missing once more.",
        )),
    }
}
