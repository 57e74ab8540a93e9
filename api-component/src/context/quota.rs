//! How often a token may ask (draft-ietf-httpapi-ratelimit-headers-11).
//!
//! The count is in Redis, under the token's name, so it holds over all instances and pods. A token
//! without a rate, and an open store, cost nothing. Where Redis cannot be asked, the request goes on: it
//! will fail by itself where it needs Redis, and nobody shall hear of a limit that is not reached.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use larder_protocol::token::Limit;

use crate::access::Access;
use crate::store::redis::Redis;
use crate::store::{self, Taken};
use crate::web::header;
use crate::web::log::{Level, Log};
use crate::web::problem::{Kind, Problem};

/// What is left to a token after a request.
pub struct Quota {
    limit: Limit,
    taken: Taken,
}

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The access token may send {rate} requests a second, {burst} at once. Nothing was done; wait {seconds} s.")]
struct TooManyRequests {
    rate: u32,
    burst: u32,
    seconds: u64,
}

/// Takes a request from what the token may send; `None` where it has no limit.
///
/// # Errors
/// The problem that tells how long to wait.
pub async fn take(access: &Access<'_>, redis: &impl Redis, log: Log) -> Result<Option<Quota>, Problem> {
    let Access::Token(entry) = access else { return Ok(None) };
    let Some(limit) = entry.limit() else { return Ok(None) };
    let taken = match store::take(redis, &entry.name, limit).await {
        Ok(taken) => taken,
        Err(error) => {
            let fields = [("token", entry.name.as_str().into()), ("error", error.to_string().into())];
            log.line(Level::Warn, "cannot count the requests of a token; none is refused", fields);
            return Ok(None);
        }
    };
    let quota = Quota { limit, taken };
    if quota.taken.allowed {
        return Ok(Some(quota));
    }
    let seconds = whole_seconds(quota.taken.wait_ms).max(1);
    let problem = Problem::new(
        Kind::TooManyRequests,
        TooManyRequests { rate: limit.rate.get(), burst: limit.burst.get(), seconds },
    );
    let headers = quota.headers().into_iter().chain([(RETRY_AFTER, HeaderValue::from(seconds))]);
    Err(headers.fold(problem, |problem, (name, value)| problem.with_header(name, value)))
}

impl Quota {
    /// Tells the client, whatever the answer is.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers());
    }

    /// The same as [`Quota::tell`] for what was not done.
    pub fn tell_with(&self, problem: Problem) -> Problem {
        self.headers().into_iter().fold(problem, |problem, (name, value)| problem.with_header(name, value))
    }

    /// The policy: the burst, and how long it takes to come back. What is left: that many now, and all in
    /// so many seconds.
    fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let (rate, burst) = (self.limit.rate.get(), self.limit.burst.get());
        let policy = format!("\"token\";q={burst};w={}", burst.div_ceil(rate));
        let left = format!("\"token\";r={};t={}", self.taken.left, whole_seconds(self.taken.full_ms));
        let value = |text: &str| HeaderValue::from_str(text).expect("numbers are ASCII");
        [(header::RATE_LIMIT_POLICY, value(&policy)), (header::RATE_LIMIT, value(&left))]
    }
}

fn whole_seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000)
}
