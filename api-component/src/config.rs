//! The component's settings, from the variables that `spin.toml` declares.

mod redis;

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use larder_protocol::limits::{
    MAX_CONFIGURABLE_FOLLOWERS, MAX_CONFIGURABLE_PENDING, MAX_CONFIGURABLE_VALUE_BYTES, MAX_CONFIGURABLE_WAIT_SECONDS,
    MAX_MIN_REPLICAS,
};
use larder_protocol::token::InvalidEntries;

use crate::access::Tokens;
use crate::web::cors::{InvalidOrigin, Origins};
use crate::web::log;
use crate::web::problem::{Kind, Problem};

pub use redis::{InvalidAddress, RedisSettings};

/// The variables that the component reads; `spin.toml` declares each of them with a default.
pub const VARIABLES: [&str; 17] = [
    "redis_address",
    "redis_nodes",
    "redis_username",
    "redis_password",
    "redis_timeout_ms",
    "redis_sentinel",
    "min_replicas",
    "max_pending",
    "max_value_bytes",
    "max_wait_seconds",
    "max_followers",
    "api_tokens",
    "require_tokens",
    "cors_origins",
    "log_format",
    "access_log",
    "console",
];

/// What an operator decides.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// The way to Redis.
    pub redis: RedisSettings,
    /// Unapplied writes that a partition may hold.
    pub max_pending: u64,
    /// Largest value, in bytes.
    pub max_value_bytes: usize,
    /// Longest that a client may wait for an outcome, in seconds.
    pub max_wait_seconds: u64,
    /// Requests that may wait for changes at once on WASI 0.2.
    pub max_followers: u64,
    /// Who may do what.
    pub tokens: Tokens,
    /// Whose pages may.
    pub origins: Origins,
    /// The form of the log.
    pub log_format: log::Format,
    /// Whether the log tells of every request.
    pub access_log: bool,
    /// Whether there is a page for people.
    pub console: bool,
}

/// A setting that cannot be used. Clients are told that there is one; which one goes to the log. It never holds the text of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// The host did not provide the variable.
    #[error("the variable {0} is not set; spin.toml declares it with a default")]
    Missing(&'static str),
    /// Not a number, or one out of range.
    #[error("the variable {name} is \"{value}\"; it must be a whole number from {min} to {max}")]
    NotInRange {
        /// The variable.
        name: &'static str,
        /// Its text.
        value: String,
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// Not where a Redis can be.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// Neither yes nor no.
    #[error("the variable {name} is \"{value}\"; it must be true or false")]
    NotBoolean {
        /// The variable.
        name: &'static str,
        /// Its text.
        value: String,
    },
    /// A store that must not be open has no token.
    #[error("the variable api_tokens is empty, and require_tokens is true; make one with larder-worker token new")]
    TokensRequired,
    /// The tokens are not as they must be; a store that wants some is not open for that.
    #[error("the variable api_tokens: {0}")]
    Tokens(#[from] InvalidEntries),
    /// Not an origin.
    #[error("the variable cors_origins: {0}")]
    Origins(#[from] InvalidOrigin),
    /// Not a form of the log.
    #[error("the variable log_format: {0}")]
    LogFormat(#[from] log::InvalidFormat),
}

impl From<InvalidConfig> for Problem {
    fn from(error: InvalidConfig) -> Self {
        Self::new(Kind::Misconfigured, "The service is not configured properly; its log says how.").caused_by(error)
    }
}

impl Config {
    /// Reads the settings from the values of [`VARIABLES`].
    ///
    /// # Errors
    /// [`InvalidConfig`] names the first variable that cannot be used.
    pub fn from_variables(values: &HashMap<&'static str, String>) -> Result<Self, InvalidConfig> {
        let get = |name| values.get(name).map(|v| v.trim()).ok_or(InvalidConfig::Missing(name));
        let timeout = number(get, "redis_timeout_ms", 1, 60_000)?;
        let max_value = number(get, "max_value_bytes", 1, MAX_CONFIGURABLE_VALUE_BYTES as u64)?;
        let [address, nodes, username, password] =
            ["redis_address", "redis_nodes", "redis_username", "redis_password"].map(get);
        let mut redis = RedisSettings::new(address?, nodes?, username?, password?)?;
        redis.sentinel = Some(get("redis_sentinel")?).filter(|name| !name.is_empty()).map(str::to_owned);
        if redis.sentinel.is_some() && !redis.is_cluster {
            return Err(InvalidAddress::SentinelsMissing.into());
        }
        redis.timeout = Duration::from_millis(timeout);
        redis.min_replicas = number(get, "min_replicas", 0, MAX_MIN_REPLICAS)?;
        Ok(Self {
            redis,
            max_pending: number(get, "max_pending", 1, MAX_CONFIGURABLE_PENDING)?,
            max_wait_seconds: number(get, "max_wait_seconds", 0, MAX_CONFIGURABLE_WAIT_SECONDS)?,
            max_followers: number(get, "max_followers", 0, MAX_CONFIGURABLE_FOLLOWERS)?,
            max_value_bytes: usize::try_from(max_value).expect("the largest allowed value fits 32 bits"),
            tokens: tokens(get("api_tokens")?, boolean(get, "require_tokens")?)?,
            origins: Origins::parse(get("cors_origins")?)?,
            log_format: get("log_format")?.parse()?,
            access_log: boolean(get, "access_log")?,
            console: boolean(get, "console")?,
        })
    }
}

fn number<'a>(
    get: impl Fn(&'static str) -> Result<&'a str, InvalidConfig>,
    name: &'static str,
    min: u64,
    max: u64,
) -> Result<u64, InvalidConfig> {
    let value = get(name)?;
    match u64::from_str(value) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(InvalidConfig::NotInRange { name, value: value.to_owned(), min, max }),
    }
}

fn boolean<'a>(
    get: impl Fn(&'static str) -> Result<&'a str, InvalidConfig>,
    name: &'static str,
) -> Result<bool, InvalidConfig> {
    let value = get(name)?;
    value.parse().map_err(|_| InvalidConfig::NotBoolean { name, value: value.to_owned() })
}

fn tokens(entries: &str, required: bool) -> Result<Tokens, InvalidConfig> {
    let tokens = Tokens::parse(entries)?;
    if required && tokens.is_open() { Err(InvalidConfig::TokensRequired) } else { Ok(tokens) }
}

#[cfg(test)]
mod tests {
    use larder_protocol::limits;

    use super::*;

    fn values(changes: &[(&'static str, &str)]) -> HashMap<&'static str, String> {
        let mut values = HashMap::from([
            ("redis_address", "redis://127.0.0.1:6379".to_owned()),
            ("redis_nodes", String::new()),
            ("redis_username", String::new()),
            ("redis_password", String::new()),
            ("redis_timeout_ms", limits::DEFAULT_REDIS_TIMEOUT.as_millis().to_string()),
            ("redis_sentinel", String::new()),
            ("min_replicas", "0".to_owned()),
            ("max_pending", limits::DEFAULT_MAX_PENDING.to_string()),
            ("max_value_bytes", limits::DEFAULT_MAX_VALUE_BYTES.to_string()),
            ("max_wait_seconds", limits::DEFAULT_MAX_WAIT_SECONDS.to_string()),
            ("max_followers", limits::DEFAULT_MAX_FOLLOWERS.to_string()),
            ("api_tokens", String::new()),
            ("require_tokens", "false".to_owned()),
            ("cors_origins", String::new()),
            ("log_format", "human".to_owned()),
            ("access_log", "false".to_owned()),
            ("console", "true".to_owned()),
        ]);
        values.extend(changes.iter().map(|&(name, value)| (name, value.to_owned())));
        values
    }

    fn config(changes: &[(&'static str, &str)]) -> Result<Config, InvalidConfig> {
        Config::from_variables(&values(changes))
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = config(&[("max_pending", "many")]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the variable max_pending is \"many\"; it must be a whole number from 1 to 1000000000"
        );
        assert_eq!(config(&[("redis_address", "")]).err(), Some(InvalidConfig::Address(InvalidAddress::Address)));
        let error = config(&[("redis_sentinel", "main")]).err();
        assert_eq!(error, Some(InvalidConfig::Address(InvalidAddress::SentinelsMissing)));
        assert_eq!(config(&[("require_tokens", "true")]).err(), Some(InvalidConfig::TokensRequired));
        for name in ["require_tokens", "console"] {
            let error = config(&[(name, "yes")]).err().unwrap();
            assert_eq!(error.to_string(), format!("the variable {name} is \"yes\"; it must be true or false"));
        }
        let error = config(&[("log_format", "xml")]).err().unwrap();
        assert_eq!(error.to_string(), "the variable log_format: \"xml\" is no form of a log; it must be human or json");
        let error = config(&[("api_tokens", "[]")]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the variable api_tokens: it has no entry; for an open store leave the variable empty"
        );
        assert_eq!(Config::from_variables(&HashMap::new()).err(), Some(InvalidConfig::Missing("redis_timeout_ms")));
    }

    /// `spin.toml` cannot import a constant, so it repeats them; this keeps it honest.
    #[test]
    fn the_manifest_has_our_defaults() {
        let manifest = include_str!("../../spin.toml");
        for (name, value) in values(&[]) {
            assert!(VARIABLES.contains(&name));
            let declared = format!("{name} = {{ default = \"{value}\"");
            assert!(manifest.contains(&declared), "spin.toml does not declare {declared} }}");
        }
    }
}
