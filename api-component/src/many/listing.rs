//! `GET /items`: the ids that exist, in byte order, page by page.
//!
//! Every partition tells what comes next in it, all at once, in one round trip each; here they
//! become one page. A cursor is a place in the order of ids and nothing else. So whatever is
//! written between two pages, an id that is there throughout is told once, and none twice.

mod cursor;
pub mod document;
mod page;

use bytes::Bytes;
use http::{Request, Response};
use larder_protocol::call::Listing;
use larder_protocol::limits::{DEFAULT_LIST_LIMIT, MAX_DELIMITER_BYTES, MAX_ID_BYTES};
use larder_protocol::token::Scope;

use super::{changes, share};
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
    /// Whether to tell from where to follow the changes.
    changes: bool,
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
        max_ids: share(wanted.limit),
        heads: wanted.described,
    };
    // Before the ids, so that nothing is missed between the two.
    let feed = if wanted.changes { Some(changes::cursor_of_now(context.redis).await?) } else { None };
    let parts = store::list(context.redis, &listing).await?;
    let page = page::merge(parts, wanted.limit);
    let cursor = page.next.map(|position| cursor::encode(&wanted.prefix, &wanted.delimiter, &position));
    let grouped = !wanted.delimiter.is_empty();
    Ok(document::answer(&page.entries, feed, cursor, grouped, json::prefers_lines(request.headers())))
}

impl Wanted {
    fn of<B>(request: &Request<B>) -> Result<Self, Problem> {
        let [prefix, limit, cursor, delimiter, values, changes] =
            query::parameters(request.uri(), ["prefix", "limit", "cursor", "delimiter", "values", "changes"])?;
        let prefix = query::text("prefix", prefix.unwrap_or_default(), 0, MAX_ID_BYTES)?;
        let delimiter = match delimiter {
            None => String::new(),
            Some(given) => query::text("delimiter", given, 1, MAX_DELIMITER_BYTES)?,
        };
        let limit = limit.map_or(Ok(DEFAULT_LIST_LIMIT), |text| query::page_limit(&text))?;
        let described = match values.as_deref() {
            None | Some("none") => false,
            Some("meta") => true,
            Some(_) => return Err(InvalidQuery::Values.into()),
        };
        // From a later page on, something would be missed.
        let changes = query::flag("changes", changes.as_deref())? && cursor.is_none();
        let after = cursor.map(|cursor| cursor::decode(&prefix, &delimiter, &cursor)).transpose()?.unwrap_or_default();
        Ok(Self { prefix, delimiter, limit, after, described, changes })
    }
}
