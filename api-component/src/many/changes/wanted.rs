//! What a client asks of the changes.

use std::time::Duration;

use http::{HeaderMap, Request};
use larder_protocol::limits::{DEFAULT_LIST_LIMIT, MAX_ID_BYTES};

use super::cursor;
use super::document::{Form, Format};
use super::reader::Include;
use crate::config::Config;
use crate::store::Positions;
use crate::web::preference::Preference;
use crate::web::problem::Problem;
use crate::web::query::InvalidQuery;
use crate::web::{header, json, query};

/// From where on.
pub enum Since {
    /// What is applied from now on.
    Now,
    /// Everything that is kept.
    Oldest,
    /// What comes after a cursor.
    After(Box<Positions>),
}

pub struct Wanted {
    pub prefix: String,
    pub since: Since,
    pub limit: usize,
    pub include: Include,
    pub form: Form,
    /// How long to wait for a first change; a stream waits anyway.
    pub patience: Duration,
    /// What of it was a preference.
    pub preference: Preference,
}

impl Wanted {
    pub fn of<B>(request: &Request<B>, config: &Config) -> Result<Self, Problem> {
        let [prefix, since, limit, wait, include, follow] =
            query::parameters(request.uri(), ["prefix", "since", "limit", "wait", "include", "follow"])?;
        let prefix = query::text("prefix", prefix.unwrap_or_default(), 0, MAX_ID_BYTES)?;
        let limit = limit.map_or(Ok(DEFAULT_LIST_LIMIT), |text| query::page_limit(&text))?;
        let include = match include.as_deref() {
            None => Include::Nothing,
            Some("meta") => Include::Meta,
            Some("value") => Include::Value,
            Some(_) => return Err(InvalidQuery::Include.into()),
        };
        let form = form(request.headers(), query::flag("follow", follow.as_deref())?)?;
        // A browser that comes again sends the same query as before, and where it has got to.
        // Elsewhere it means nothing, and is held to its form all the same.
        let last = request.headers().get(header::LAST_EVENT_ID).map(|id| since_of(id.to_str().unwrap_or_default()));
        let (last, since) = (last.transpose()?, since.as_deref().map(since_of).transpose()?);
        let last = last.filter(|_| form == Form::Stream(Format::Events));
        let since = last.or(since).unwrap_or(Since::Now);
        let mut preference = Preference::of(request.headers(), config.max_wait_seconds);
        let mut patience = preference.wait(Duration::ZERO);
        if let Some(text) = wait {
            let seconds = text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
            patience = Duration::from_secs(seconds.ok_or(InvalidQuery::Wait)?.min(config.max_wait_seconds));
            preference = Preference::None;
        }
        Ok(Self { prefix, since, limit, include, form, patience, preference })
    }
}

fn since_of(text: &str) -> Result<Since, Problem> {
    match text {
        "0" => Ok(Since::Oldest),
        text => Ok(Since::After(Box::new(cursor::decode(text)?))),
    }
}

fn form(headers: &HeaderMap, follow: bool) -> Result<Form, InvalidQuery> {
    if json::prefers_events(headers) {
        return Ok(Form::Stream(Format::Events));
    }
    match (json::prefers_lines(headers), follow) {
        (true, true) => Ok(Form::Stream(Format::Lines)),
        (true, false) => Ok(Form::Lines),
        (false, false) => Ok(Form::Document),
        (false, true) => Err(InvalidQuery::Follow),
    }
}
