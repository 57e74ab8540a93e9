//! What a failure of Redis is to a client; it depends on whether anything was to be written.

use larder_protocol::OtherFormat;
use larder_protocol::item::Unreadable;

use super::redis::{RedisError, UnderReplicated};
use crate::web::problem::{Kind, Problem};

/// Why an item could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Redis could not be asked.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// What the key holds is no item, or none of this version.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Redis(error) => read_failed(error),
            ReadError::Unreadable(Unreadable::OtherFormat(other)) => other_format("Nothing was changed", other),
            ReadError::Unreadable(error) => Self::internal(error),
        }
    }
}

/// A command that only read failed.
pub fn read_failed(error: RedisError) -> Problem {
    match error {
        RedisError::Unexpected(message) => Problem::internal(message),
        // Somebody else put something at one of our keys; no retry will help.
        RedisError::Refused { code, message } if code == "WRONGTYPE" => Problem::internal(message),
        error => refused("Nothing was changed", &error),
    }
}

/// A write was not accepted, or may not have been.
pub fn write_failed(error: RedisError) -> Problem {
    match error {
        RedisError::Unexpected(message) => Problem::internal(message),
        RedisError::Refused { code, .. } if code == "OOM" => Problem::new(
            Kind::OutOfMemory,
            "The store has no memory left for new values. Nothing was written; try again later.",
        )
        .caused_by("Redis refused a write: it has reached maxmemory"),
        RedisError::Refused { code, message } if code == "WRONGTYPE" => Problem::internal(message),
        error @ RedisError::Lost(_) => Problem::new(
            Kind::OutcomeUnknown,
            "The store did not answer in time. The write may or may not have been accepted; read the item to see.",
        )
        .caused_by(error),
        error => refused("Nothing was written", &error),
    }
}

/// A write was accepted, and would be lost with its primary; what became of it is told at `path`.
pub fn under_replicated(error: &UnderReplicated, path: &str) -> Problem {
    let detail = format!(
        "The write was accepted, but too few replicas have it: it is lost if its Redis is lost now. {path} tells what \
         became of it."
    );
    Problem::new(Kind::UnderReplicated, detail).caused_by(error)
}

fn refused(consequence: &str, error: &RedisError) -> Problem {
    match error.other_format() {
        Some(other) => other_format(consequence, other),
        None => unavailable(consequence, error),
    }
}

/// The same versions will not understand one another later either; but one of them is about to be upgraded.
fn other_format(consequence: &str, other: OtherFormat) -> Problem {
    let detail = format!("{consequence}: {other}. Try again when it is upgraded.");
    Problem::new(Kind::UnknownFormat, detail).caused_by(other)
}

fn unavailable(consequence: &str, error: &RedisError) -> Problem {
    let why = match error {
        RedisError::Refused { code, .. } if code == "TRYAGAIN" => "This part of the store is being moved at the moment",
        RedisError::UnderReplicated(_) => "Too few replicas follow this part of the store at the moment",
        _ => "The store cannot be reached at the moment",
    };
    Problem::new(Kind::Unavailable, format!("{why}. {consequence}; try again later.")).caused_by(error)
}
