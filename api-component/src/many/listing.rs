//! `GET /items`: the ids that exist, in byte order, page by page.
//!
//! Every partition tells what comes next in it, all at once, in one round trip each; here they
//! become one page. A cursor is a place in the order of ids and nothing else. So whatever is
//! written between two pages, an id that is there throughout is told once, and none twice.

mod cursor;
mod document;
mod page;

use std::str::FromStr;

use bytes::Bytes;
use http::{Request, Response};
use larder_protocol::call::Listing;
use larder_protocol::limits::{DEFAULT_LIST_LIMIT, MAX_DELIMITER_BYTES, MAX_ID_BYTES, MAX_LIST_LIMIT};
use larder_protocol::partition;
use larder_protocol::token::Scope;

use crate::context::Context;
use crate::store;
use crate::store::redis::Redis;
use crate::web::problem::Problem;
use crate::web::query::InvalidQuery;
use crate::web::{json, query};

/// What a client asks of a listing.
struct Wanted {
    prefix: String,
    delimiter: String,
    limit: usize,
    /// The position after which to start.
    after: Vec<u8>,
    /// Whether to tell what is known of each item.
    described: bool,
}

/// Answers a page, as JSON or line by line where the client prefers that.
pub async fn get<B>(request: &Request<B>, context: &Context<'_, impl Redis>) -> Result<Response<Bytes>, Problem> {
    context.access.require(Scope::List)?;
    let wanted = Wanted::of(request)?;
    context.access.reach(&wanted.prefix)?;
    let listing = Listing {
        prefix: &wanted.prefix,
        after: &wanted.after,
        delimiter: &wanted.delimiter,
        max_told: wanted.limit,
        max_ids: ids_per_partition(wanted.limit),
        heads: wanted.described,
    };
    let parts = store::list(context.redis, &listing).await?;
    let page = page::merge(parts, wanted.limit);
    let cursor = page.next.map(|position| cursor::encode(&wanted.prefix, &wanted.delimiter, &position));
    let grouped = !wanted.delimiter.is_empty();
    Ok(document::answer(&page.entries, cursor, grouped, json::prefers_lines(request.headers())))
}

impl Wanted {
    fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let [prefix, limit, cursor, delimiter, values] =
            query::parameters(request.uri(), ["prefix", "limit", "cursor", "delimiter", "values"])?;
        let prefix = text("prefix", prefix.unwrap_or_default(), 0, MAX_ID_BYTES)?;
        let delimiter = match delimiter {
            None => String::new(),
            Some(given) => text("delimiter", given, 1, MAX_DELIMITER_BYTES)?,
        };
        let limit = limit.map_or(Ok(DEFAULT_LIST_LIMIT), |text| page_limit(&text))?;
        let described = match values.as_deref() {
            None | Some("none") => false,
            Some("meta") => true,
            Some(_) => return Err(InvalidQuery::Values.into()),
        };
        let after = cursor.map(|cursor| cursor::decode(&prefix, &delimiter, &cursor)).transpose()?.unwrap_or_default();
        Ok(Self { prefix, delimiter, limit, after, described })
    }
}

/// Part of an id: its rules hold for it too, but for the length.
fn text(name: &'static str, text: String, min: usize, max: usize) -> Result<String, InvalidQuery> {
    if (min..=max).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(InvalidQuery::Text { name, min, max })
}

fn page_limit(text: &str) -> Result<usize, InvalidQuery> {
    match usize::from_str(text) {
        Ok(limit @ 1..=MAX_LIST_LIMIT) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(limit),
        _ => Err(InvalidQuery::Limit(text.escape_debug().to_string())),
    }
}

/// How many ids to ask of each partition for a page of `limit`. The hash spreads them evenly, so
/// each holds its share of a page, give or take a few standard deviations (a share's variance is
/// its size). Eight of them are never exceeded by chance. Where somebody chose ids that all fall
/// into one partition, a page holds fewer than `limit`.
fn ids_per_partition(limit: usize) -> usize {
    let share = limit.div_ceil(usize::from(partition::COUNT));
    limit.min(share + 8 * (share.isqrt() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pages_are_asked_of_each_partition_in_full() {
        assert_eq!([1, 2, 10, 16].map(ids_per_partition), [1, 2, 10, 16]);
        assert_eq!([100, 1_000].map(ids_per_partition), [18, 56]);
    }

    #[test]
    fn limits_are_whole_numbers() {
        assert_eq!(page_limit("1000"), Ok(1_000));
        for wrong in ["", "0", "1001", "-1", "+1", "1e2", "ten"] {
            assert!(page_limit(wrong).is_err(), "{wrong}");
        }
    }
}
