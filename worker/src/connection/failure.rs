//! What can go wrong with Redis, as far as the worker acts on it differently.
//!
//! The client library's errors are sorted here and nowhere else. What concerns all of Redis ends
//! the session, and is told once; what concerns one call is that caller's to retry.

use larder_protocol::OtherFormat;
use redis::{ErrorKind, RedisError};

/// Why a call failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Redis as a whole cannot be used: the session is over.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The partition is on its way from one master of a cluster to another. This passes by itself.
    #[error("the partition is moving to another master: {0}")]
    Moving(String),
    /// Redis refused this one call.
    #[error("{0}")]
    Refused(String),
}

/// Why Redis cannot be used at present.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// There is no answer, or it is loading its data. This passes by itself.
    #[error("Redis is unreachable: {0}")]
    Unreachable(String),
    /// It answers, but does not take writes now: a replica, a full disk, a long script.
    #[error("Redis does not take writes: {0}")]
    NoWrites(String),
    /// Another master of the cluster has what was asked for.
    #[error("partitions have moved to another master: {0}")]
    Moved(String),
    /// The user name or the password is wrong or missing.
    #[error("Redis refuses the user name and password (see LARDER_REDIS): {0}")]
    Credentials(String),
    /// It cannot run our scripts.
    #[error("Redis is too old: Larder's scripts need Redis 7.0 or later, or Valkey")]
    TooOld,
    /// Another version of the worker knows what it holds.
    #[error(transparent)]
    Format(#[from] OtherFormat),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let text = describe(&error);
        let outage = match error.code() {
            Some(OtherFormat::CODE) => match OtherFormat::from_refusal(&text) {
                Some(other) => Outage::Format(other),
                None => return Self::Refused(text),
            },
            Some("WRONGPASS" | "NOAUTH") => Outage::Credentials(text),
            Some("MOVED") => Outage::Moved(text),
            Some("ASK" | "TRYAGAIN") => return Self::Moving(text),
            Some("LOADING") => Outage::Unreachable("it is loading its data".to_owned()),
            // The whole of it, not a slot that nobody has: no command gets another answer.
            Some("CLUSTERDOWN") if text.contains("cluster is down") => Outage::NoWrites(text),
            // Every script that writes gets these answers, so the heartbeat would as well.
            Some("READONLY" | "MASTERDOWN" | "MISCONF" | "NOREPLICAS" | "BUSY") => Outage::NoWrites(text),
            _ => match error.kind() {
                ErrorKind::AuthenticationFailed => Outage::Credentials(text),
                ErrorKind::Parse => Outage::Unreachable("what answers there does not speak as Redis does".to_owned()),
                ErrorKind::RESP3NotSupported => Outage::TooOld,
                _ if text.contains("compiling script") => Outage::TooOld,
                _ if error.is_io_error() || error.is_unrecoverable_error() => Outage::Unreachable(text),
                _ => return Self::Refused(text),
            },
        };
        Self::Outage(outage)
    }
}

impl From<Failure> for Outage {
    /// For calls that must succeed for the worker to be of any use.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Outage(outage) => outage,
            Failure::Moving(text) | Failure::Refused(text) => Self::NoWrites(text),
        }
    }
}

/// The error in words, on one line.
fn describe(error: &RedisError) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    // Redis repeats the arguments of a command that it does not know, and HELLO has the password.
    let text = text.split(", with args beginning with").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use redis::make_extension_error;

    use super::*;

    fn sorted(code: &str, detail: &str) -> Failure {
        make_extension_error(code.to_owned(), Some(detail.to_owned())).into()
    }

    #[test]
    fn what_concerns_all_of_redis_is_an_outage() {
        assert!(matches!(sorted("WRONGPASS", "invalid"), Failure::Outage(Outage::Credentials(_))));
        for (code, detail) in [("MISCONF", "disk"), ("CLUSTERDOWN", "The cluster is down")] {
            assert!(matches!(sorted(code, detail), Failure::Outage(Outage::NoWrites(_))));
        }
        assert!(matches!(sorted("CLUSTERDOWN", "Hash slot not served"), Failure::Refused(_)));
        assert!(matches!(
            RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset)).into(),
            Failure::Outage(Outage::Unreachable(_))
        ));
        let other = sorted("FORMAT", "2").to_string();
        assert!(other.contains("the data has format 2, and this version of Larder knows format 1"), "{other}");
        // What Redis 6 says of a script that starts with #!lua.
        let old = "Error compiling script (new function): user_script:1: unexpected symbol near '#'";
        assert_eq!(sorted("ERR", old), Failure::Outage(Outage::TooOld));
    }

    /// It is never followed: what runs there would miss what has not moved yet.
    #[test]
    fn a_partition_on_its_way_is_waited_for_and_one_that_has_moved_is_looked_for() {
        for moving in [sorted("ASK", "129 127.0.0.1:7001"), sorted("TRYAGAIN", "Multiple keys")] {
            assert!(matches!(moving, Failure::Moving(_)));
        }
        assert!(matches!(sorted("MOVED", "129 127.0.0.1:7001"), Failure::Outage(Outage::Moved(_))));
    }

    #[test]
    fn what_concerns_one_call_is_not() {
        assert_eq!(sorted("WRONGTYPE", "Operation"), Failure::Refused("WRONGTYPE Operation".to_owned()));
    }

    #[test]
    fn the_password_is_cut_out_of_what_redis_says() {
        let echo = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 's3cret'";
        assert_eq!(sorted("ERR", echo), Failure::Refused("ERR unknown command 'HELLO'".to_owned()));
    }
}
