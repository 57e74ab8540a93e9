//! What can go wrong with a command.
//!
//! It was never sent, Redis refused it, or its outcome is unknown, and the difference decides what a client is told.
//! The host gives errors as text only; [`RedisError::from_host`] is the one place that reads it.

use larder_protocol::OtherFormat;

use super::UnderReplicated;

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
    /// The command ran, and too few replicas have what its answer rests on.
    #[error("{0}")]
    UnderReplicated(Box<UnderReplicated>),
    /// The answer is not what the script of this version gives.
    #[error("Redis answered what this version does not understand: {0}")]
    Unexpected(String),
}

impl From<UnderReplicated> for RedisError {
    fn from(missing: UnderReplicated) -> Self {
        Self::UnderReplicated(Box::new(missing))
    }
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

    /// A script refused to touch data of another format.
    #[must_use]
    pub fn other_format(&self) -> Option<OtherFormat> {
        match self {
            Self::Refused { code, message } if code == OtherFormat::CODE => OtherFormat::from_refusal(message),
            _ => None,
        }
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
            ("FORMAT: 2", "FORMAT"),
            ("\"FORMAT\": 2", "FORMAT"),
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
