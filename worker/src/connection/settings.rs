//! Where Redis is, and how to speak to it.

use std::time::Duration;

use clap::Args;

use super::ca::RedisCa;
use super::url::{RedisUrl, RedisUrlParser};
use crate::duration;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Redis")]
pub struct RedisSettings {
    /// The Redis (7.0 or later) or Valkey that holds the store, or nodes of a cluster of them.
    ///
    /// redis://[user:password@]host[:port][,host[:port]…][/database], with TLS rediss://…, or
    /// redis+unix:///path/to/socket[?db=0].
    /// Of a cluster any nodes will do: the worker asks them for the masters.
    /// Percent-encode special characters in the password. Prefer the environment for a URL with
    /// a password: other users of the machine can read the command line.
    #[arg(
        long = "redis",
        global = true,
        env = "LARDER_REDIS",
        hide_env_values = true,
        value_name = "URL",
        value_parser = RedisUrlParser,
        default_value = "redis://127.0.0.1:6379"
    )]
    pub url: RedisUrl,

    /// Makes the addresses those of Sentinels, which know where the primary of this name is.
    ///
    /// The URL's user name, password and database are the primary's. Sentinels are asked without
    /// a password first, and with that one where they want one.
    #[arg(long = "redis-sentinel", global = true, env = "LARDER_REDIS_SENTINEL", value_name = "NAME")]
    pub sentinel: Option<String>,

    /// The certificates, as a PEM file, by which to know a Redis with TLS.
    ///
    /// In place of those that the system trusts. It is read once, at the start.
    #[arg(long = "redis-ca", global = true, env = "LARDER_REDIS_CA", value_name = "FILE")]
    pub ca: Option<RedisCa>,

    /// How long to wait for the answer to a command before the connection counts as lost.
    ///
    /// In milliseconds, 100 to 60000.
    #[arg(
        long,
        global = true,
        env = "LARDER_COMMAND_TIMEOUT",
        value_name = "MS",
        value_parser = duration::milliseconds::<100, 60_000>,
        default_value = "5000"
    )]
    pub command_timeout: Duration,
}

impl RedisSettings {
    /// Makes sure that the settings go together, before anything starts.
    ///
    /// # Errors
    /// What does not go with what.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.ca.is_some() && !self.url.is_tls() {
            return Err("--redis-ca or LARDER_REDIS_CA is for TLS, and the URL of Redis does not begin with rediss://");
        }
        Ok(())
    }
}
