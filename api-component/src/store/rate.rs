//! Takes requests from what a token may send.

use larder_protocol::call;
use larder_protocol::token::{Limit, Name};

use super::redis::{Redis, RedisError, Reply};
use super::{run, unexpected};

/// What became of a request that counts.
pub struct Taken {
    /// It may be done.
    pub allowed: bool,
    /// How many more there may be at once.
    pub left: u64,
    /// For how long to wait where it may not.
    pub wait_ms: u64,
    /// When the whole burst will be there again.
    pub full_ms: u64,
}

/// Takes one request from what the tokens of this name may send (`rate.lua`). Never repeated here: it
/// would count twice.
///
/// # Errors
/// [`RedisError`].
pub async fn take(redis: &impl Redis, name: &Name, limit: Limit) -> Result<Taken, RedisError> {
    let call = call::rate(name, limit);
    let reply = run(redis, &call).await?;
    let numbers: Vec<_> = reply.iter().map(Reply::number).collect();
    match *numbers {
        [Some(allowed), Some(left), Some(wait_ms), Some(full_ms)] => {
            Ok(Taken { allowed: allowed == 1, left, wait_ms, full_ms })
        }
        _ => Err(unexpected(&call, &reply)),
    }
}
