//! The part of Redis that the handler needs, and what can go wrong with it. Whether it is one Redis or
//! a cluster, it is reached by [`Redis`].
//!
//! A failed command is one of three things, and the difference decides what a client is told:
//! it was never sent, Redis refused it, or its outcome is unknown. The host gives errors as
//! text only; [`RedisError::from_host`] is the one place that reads it.

use std::time::Duration;

use larder_protocol::Partition;

use super::Lookout;
use super::node::Command;

/// The Redis, or all of those, that keep the store. A command goes to where its partition is.
#[allow(async_fn_in_trait, reason = "a component has one thread; its futures need not be Send")]
pub trait Redis {
    /// `GET key`, a key of the partition `p`.
    ///
    /// # Errors
    /// See [`RedisError`].
    async fn get(&self, p: Partition, key: &str) -> Result<Option<Vec<u8>>, RedisError>;

    /// A command with keys of the partition `p`; nested replies arrive flattened.
    ///
    /// # Errors
    /// See [`RedisError`].
    async fn execute(&self, p: Partition, command: Command<'_>) -> Result<Vec<Reply>, RedisError>;

    /// The same, and then waits until as many replicas have it, and all before it, as the operator demands; tells
    /// whether they do.
    ///
    /// # Errors
    /// See [`RedisError`]; of the command itself only.
    async fn execute_replicated(&self, p: Partition, command: Command<'_>) -> Result<Replicated, RedisError>;

    /// A command that blocks in Redis for up to `block`: it has a connection of its own, so that
    /// nobody else waits.
    ///
    /// # Errors
    /// See [`RedisError`]; [`RedisError::NotSent`] also where there is no connection for it, or the partition is
    /// elsewhere by now.
    async fn execute_blocking(
        &self,
        p: Partition,
        command: Command<'_>,
        block: Duration,
    ) -> Result<Vec<Reply>, RedisError>;

    /// Whether answers must rest on what replicas have.
    fn is_replicated(&self) -> bool;

    /// The masters and their partitions, as far as is known.
    async fn masters(&self) -> Vec<Master>;

    /// Lets time pass, and other requests run; `false`, at once, where a request that pauses would
    /// hold a connection to Redis meanwhile.
    async fn pause(&self, pause: Duration) -> bool;

    /// Lets time pass, whatever the request holds meanwhile.
    async fn sleep(&self, pause: Duration);

    /// What those who follow the changes over this connection share.
    fn lookout(&self) -> &Lookout;
}

/// A command's replies, and what replicas have of it.
#[derive(Debug)]
pub struct Replicated {
    /// What it answered.
    pub replies: Vec<Reply>,
    /// Why too few replicas have it; `None`: enough do.
    pub missing: Option<UnderReplicated>,
}

/// Too few replicas have a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnderReplicated {
    /// So many have it, of so many.
    #[error("{have} of {want} replicas have it")]
    Replicas {
        /// So many have it.
        have: u64,
        /// So many must.
        want: u64,
    },
    /// Redis did not say.
    #[error("Redis does not say how many replicas have it: {0}")]
    Unknown(RedisError),
}

/// A master, and what is on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// `host:port`
    pub address: String,
    /// In order, at least one.
    pub partitions: Vec<Partition>,
}

/// One value of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Int(i64),
    /// A string or a status.
    Bytes(Vec<u8>),
}

impl Reply {
    /// The reply as text; `None` for other types and what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The reply as a number that is not negative.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }
}

/// What Spin's Redis interfaces say of a failure, in either version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// `invalid-address`
    #[error("the address is not valid, or not among allowed_outbound_hosts")]
    InvalidAddress,
    /// `too-many-connections`
    #[error("the host allows no more connections")]
    TooManyConnections,
    /// `type-error`
    #[error("a value of the wrong type")]
    WrongType,
    /// `other`: the text of redis-rs.
    #[error("{0}")]
    Other(String),
}

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// There is no connection; the command was not sent.
    #[error("cannot connect to Redis: {0}")]
    NotSent(String),
    /// Redis answered with an error; the command did nothing.
    #[error("Redis refused the command: {code}: {message}")]
    Refused {
        /// The error code, in Redis' own spelling: `OOM`, `LOADING`, `NOSCRIPT` …
        code: String,
        /// The whole message.
        message: String,
    },
    /// The command was sent and no answer came; it may or may not have run.
    #[error("no answer from Redis: {0}")]
    Lost(String),
    /// The answer is not what the script of this version gives.
    #[error("Redis answered what this version does not understand: {0}")]
    Unexpected(String),
}

/// Defines `reply` and `told`, which turn a result and an error of an SDK's Redis interface into
/// [`Reply`] and [`HostError`]. Both SDKs have these types in the same form, each its own.
#[macro_export]
macro_rules! from_sdk {
    ($result:ident, $error:ident) => {
        fn reply(result: $result) -> $crate::store::redis::Reply {
            use $crate::store::redis::Reply;
            match result {
                $result::Nil => Reply::Nil,
                $result::Int64(n) => Reply::Int(n),
                $result::Status(text) => Reply::Bytes(text.into_bytes()),
                $result::Binary(bytes) => Reply::Bytes(bytes),
            }
        }

        fn told(error: $error) -> $crate::store::redis::HostError {
            use $crate::store::redis::HostError;
            match error {
                $error::InvalidAddress => HostError::InvalidAddress,
                $error::TooManyConnections => HostError::TooManyConnections,
                $error::TypeError => HostError::WrongType,
                $error::Other(message) => HostError::Other(message),
            }
        }
    };
}

/// How redis-rs, through which Spin reaches Redis, prints the codes it knows (0.32 and 1.x);
/// it prints every other code as Redis spells it.
const PRINTED_CODES: [(&str, &str); 14] = [
    ("NoScriptError", "NOSCRIPT"),
    ("NoScript", "NOSCRIPT"),
    ("ResponseError", "ERR"),
    ("BusyLoadingError", "LOADING"),
    ("BusyLoading", "LOADING"),
    ("ReadOnly", "READONLY"),
    ("MasterDown", "MASTERDOWN"),
    ("ClusterDown", "CLUSTERDOWN"),
    ("TryAgain", "TRYAGAIN"),
    ("CrossSlot", "CROSSSLOT"),
    ("Moved", "MOVED"),
    ("Ask", "ASK"),
    ("NoPerm", "NOPERM"),
    ("ExecAbortError", "EXECABORT"),
];

impl RedisError {
    /// Reads the error that the host gave for a command on an open connection.
    #[must_use]
    pub fn from_host(error: &HostError) -> Self {
        let message = error.to_string();
        let text = message.strip_prefix("An error was signalled by the server - ").unwrap_or(&message);
        let head = text.split(':').next().unwrap_or_default().trim().trim_matches('"');
        let known = PRINTED_CODES.iter().find(|(printed, _)| *printed == head).map(|(_, code)| *code);
        let spelled = (head.len() > 2 && head.bytes().all(|b| b.is_ascii_uppercase())).then_some(head);
        match known.or(spelled).map(str::to_owned) {
            Some(code) => Self::Refused { code, message },
            None => Self::Lost(message),
        }
    }

    /// Reads an error that a script caught, which is as Redis spells it: its code first.
    #[must_use]
    pub fn from_script(message: &str) -> Self {
        let code = message.trim_start_matches('-').split(' ').next().unwrap_or_default();
        Self::Refused { code: code.to_owned(), message: message.to_owned() }
    }

    /// The command got no answer: on a new connection it may.
    #[must_use]
    pub fn is_no_answer(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Lost(_))
    }

    /// Redis does not have the script yet (`EVALSHA`).
    #[must_use]
    pub fn is_no_script(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "NOSCRIPT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(message: &str) -> Option<String> {
        match RedisError::from_host(&HostError::Other(message.to_owned())) {
            RedisError::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// As redis-rs 0.32 (Spin 3.x and 4.x) and 1.x print them.
    #[test]
    fn what_redis_said_is_told_from_what_it_never_said() {
        for (message, expected) in [
            ("An error was signalled by the server - NoScriptError: No matching script.", "NOSCRIPT"),
            ("NoScript: No matching script. Please use EVAL.", "NOSCRIPT"),
            ("OOM: command not allowed when used memory > 'maxmemory'.", "OOM"),
            ("\"OOM\": command not allowed when used memory > 'maxmemory'.", "OOM"),
            ("An error was signalled by the server - BusyLoadingError: Redis is loading", "LOADING"),
            ("MISCONF: Errors writing to the AOF file", "MISCONF"),
            ("An error was signalled by the server - ResponseError: unknown command", "ERR"),
            ("ReadOnly: You can't write against a read only replica.", "READONLY"),
        ] {
            assert_eq!(code(message).as_deref(), Some(expected), "{message}");
        }
        for message in
            ["broken pipe", "Connection reset by peer (os error 104)", "timed out", "driver unexpectedly terminated"]
        {
            assert_eq!(code(message), None, "{message}");
        }
    }
}
