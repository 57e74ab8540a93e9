//! What can go wrong, what its exit code is, and what to do about it.
//!
//! Scripts rely on the codes; docs/cli.md lists them. Whatever is no [`Failure`] is told as it is and exits with
//! [`Exit::Other`].

use std::process::ExitCode;
use std::time::Duration;

use larder_operator::text::escaped;

use crate::client::Problem;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// There is no such item; there are differences.
    No = 1,
    /// The command line or a setting is wrong. clap exits with it too.
    Usage = 2,
    /// A condition does not hold: 412, 409.
    Condition = 3,
    /// Not allowed: 401, 403, or `--read-only`.
    Forbidden = 4,
    /// The store cannot be reached or cannot do it now: 503, 429, no answer.
    Unavailable = 5,
    /// Some of many were not done.
    Incomplete = 6,
    /// Anything else.
    Other = 7,
}

/// Why a command did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store said no.
    #[error("{}", escaped(.problem.told().as_bytes()))]
    Problem { problem: Problem, retry_after: Option<Duration> },
    /// There was no answer.
    #[error("{url} does not answer: {reason}")]
    Unreachable { url: String, reason: String },
    /// Somebody else answered.
    #[error("{url} answered {status}, and not as a Larder does")]
    Stranger { url: String, status: u16 },
    /// It would write.
    #[error("this would write, and the read-only switch is on ({0})")]
    ReadOnly(&'static str),
    /// The command line or a setting is wrong.
    #[error("{0}")]
    Usage(String),
    /// The answer is no, and has been told where there is something to tell.
    #[error("{0}")]
    No(String),
    /// The item is not as it has to be.
    #[error("{0}")]
    Condition(String),
    /// Some of many were not done.
    #[error("{0}")]
    Incomplete(String),
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problem { problem, .. } => match problem.status {
                404 | 410 => Exit::No,
                409 | 412 => Exit::Condition,
                401 | 403 => Exit::Forbidden,
                429 | 503 => Exit::Unavailable,
                _ => Exit::Other,
            },
            Self::Unreachable { .. } => Exit::Unavailable,
            Self::Stranger { .. } => Exit::Other,
            Self::ReadOnly(_) => Exit::Forbidden,
            Self::Usage(_) => Exit::Usage,
            Self::No(_) => Exit::No,
            Self::Condition(_) => Exit::Condition,
            Self::Incomplete(_) => Exit::Incomplete,
        }
    }

    /// It may go better in a moment, and asking again does no harm.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Problem { problem, .. } => matches!(problem.status, 429 | 503),
            Self::Unreachable { .. } => true,
            // What stands in front of a Larder that restarts.
            Self::Stranger { status, .. } => matches!(status, 502..=504),
            _ => false,
        }
    }

    /// What to do, where that is not plain.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Problem { problem, .. } => match (problem.status, problem.kind()) {
                (401, _) => Some("put a token into LARDER_TOKEN, or name a file that has one with --token-file"),
                (403, _) => Some("use a token that allows it; `larder token new` makes one for the operator to add"),
                (404, "no-feed") => Some("the workers keep no changes: --changes-kept is 0"),
                (410, "changes-gone") => Some("some changes are gone: begin anew with `larder watch --existing`"),
                (412, _) => Some("read the item again (`larder get ID --head` tells its revision), then decide"),
                (413, "value-too-large") => Some("the operator may raise max_value_bytes"),
                (429, _) => Some("wait a moment, or ask the operator for a higher rate"),
                (503, _) => Some("try again in a moment; `larder status` tells what is wrong"),
                _ => None,
            },
            Self::Unreachable { .. } => Some(
                "is that the right address (--url, --context; --admin and --worker for those of a worker), and does it run?",
            ),
            Self::Stranger { .. } => {
                Some("check --url, LARDER_URL or --context: it has to be the address before /items")
            }
            Self::ReadOnly(_) => Some("take the switch off if you mean it"),
            _ => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
