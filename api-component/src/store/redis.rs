//! The part of Redis that the handler needs. Whether it is one Redis or a cluster, it is reached by [`Redis`].

mod error;

use std::fmt;
use std::time::Duration;

use larder_protocol::Partition;

use super::Lookout;
use super::node::Command;

pub use error::{HostError, RedisError};

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

    /// [`Places::hold`](super::places::Places::hold)
    ///
    /// # Errors
    /// As there.
    async fn hold_place(&self, name: &mut String, most: u64, time: Duration) -> Result<bool, RedisError>;

    /// [`Places::leave`](super::places::Places::leave)
    ///
    /// # Errors
    /// As there.
    async fn leave_place(&self, name: &str) -> Result<(), RedisError>;

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
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Int(i64),
    /// A string or a status.
    Bytes(Vec<u8>),
}

/// A reply may be somebody's value, and a message with it may get into a log.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
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
