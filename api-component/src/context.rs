//! What a request to items has to hand, besides itself.

pub mod quota;

use crate::access::Access;
use crate::config::Config;
use crate::web::log::Log;

/// Who asks, what the operator decides, and the store.
pub struct Context<'a, R> {
    /// What the request may do.
    pub access: Access<'a>,
    /// The settings.
    pub config: &'a Config,
    /// The way to the store.
    pub redis: &'a R,
    /// Its log, which knows its trace.
    pub log: Log,
}
