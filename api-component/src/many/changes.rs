//! `GET /changes`: what happened to the items, in order, from a cursor on.
//!
//! Each partition keeps a feed of its own, in the order of its commits. A cursor is a position in all of
//! them, so what a client follows is complete, item by item in order, and told once. Where it cannot be
//! complete, because the past is gone, the answer is 410 and never a gap.
//!
//! An answer is a page, a page that waits for the first change, or a stream that goes on.

mod cursor;
mod document;
mod error;
mod follower;
mod place;
mod reader;
mod wanted;

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Method, Request, Response};
use larder_protocol::StreamId;
use larder_protocol::limits::{PLACE_KEPT_AFTER_WAIT, STREAM_KEPT};
use larder_protocol::token::Scope;

use self::document::Form;
use self::error::FeedError;
use self::place::Place;
use self::reader::{Include, Reader};
use self::wanted::{Since, Wanted};
use crate::context::Context;
use crate::store;
use crate::store::redis::Redis;
use crate::web::header;
use crate::web::problem::Problem;

pub use follower::Follower;

/// Answers the changes after a cursor.
pub async fn get<B>(request: &Request<B>, context: &Context<'_, impl Redis>) -> Result<Response<Bytes>, Problem> {
    context.access.require(Scope::List)?;
    let wanted = Wanted::of(request, context.config)?;
    if wanted.include == Include::Value {
        context.access.require(Scope::Read)?;
    }
    context.access.reach(&wanted.prefix)?;
    let asks_for_head = request.method() == Method::HEAD;
    // A stream takes its place before it looks: of a thousand that come at once, those for whom there is none shall hold
    // their instances for a single command.
    let mut place = match wanted.form {
        Form::Stream(_) if !asks_for_head => {
            Some(Place::take(context.redis, context.config.max_followers, STREAM_KEPT).await?)
        }
        _ => None,
    };
    let answer = answer(wanted, asks_for_head, &mut place, context).await;
    // No stream has taken it along.
    if let Some(place) = place {
        place.leave(context.redis).await;
    }
    answer
}

async fn answer(
    wanted: Wanted,
    asks_for_head: bool,
    place: &mut Option<Place>,
    context: &Context<'_, impl Redis>,
) -> Result<Response<Bytes>, Problem> {
    let redis = context.redis;
    let is_now = matches!(wanted.since, Since::Now);
    let positions = match wanted.since {
        // No cursor of ours has that: it would mean the oldest change, whatever was told before.
        Since::After(positions) if positions.contains(&StreamId::ZERO) => return Err(FeedError::Gone.into()),
        Since::After(positions) => *positions,
        Since::Now => store::feed(redis).await.map_err(store::read_failed)?.ok_or(FeedError::NoFeed)?.1,
        // What is the oldest change is known when it is read: meanwhile it may be taken off.
        Since::Oldest => [StreamId::ZERO; _],
    };
    let mut reader =
        Reader { prefix: wanted.prefix, include: wanted.include, limit: wanted.limit, began: positions, positions };

    // Who follows from now on has just been given the end of each feed.
    let mut told = if is_now { vec![] } else { reader.read(redis).await? };
    let mut response = if let Form::Stream(format) = wanted.form {
        let mut response = format.begin(reader.began, &told, &reader.positions);
        if let Some(place) = place.take() {
            let follower = Follower::new(format, reader, context.access.left(SystemTime::now), place, context.log);
            response.extensions_mut().insert(follower);
        }
        response
    } else {
        let patience = if asks_for_head { Duration::ZERO } else { wanted.patience };
        if told.is_empty() && !patience.is_zero() {
            let place = Place::take(redis, context.config.max_followers, patience + PLACE_KEPT_AFTER_WAIT).await?;
            let news = reader.wait(redis, Instant::now() + patience).await;
            place.leave(redis).await;
            told = news?;
        }
        let mut response = document::page(&told, &reader.positions, wanted.form == Form::Lines);
        wanted.preference.applied(response.headers_mut());
        response
    };
    response.headers_mut().insert(CACHE_CONTROL, header::NO_STORE);
    Ok(response)
}

/// The cursor from which on everything is told that is applied from now on.
pub async fn cursor_of_now(redis: &impl Redis) -> Result<String, Problem> {
    let (_, last) = store::feed(redis).await.map_err(store::read_failed)?.ok_or(FeedError::NoFeed)?;
    Ok(cursor::encode(&last))
}
