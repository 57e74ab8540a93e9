//! What can go wrong at one command.

use std::fmt;

use strum::IntoEnumIterator as _;

/// A fault at the n-th command of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes, and Redis never gets the command.
    CutBefore,
    /// Redis runs the command, and the connection closes before the reply.
    CutAfter,
    /// The reply comes after the deadline.
    Late,
    /// Redis answers an error, and does nothing.
    Error(Class),
    /// Redis closes its connections before the first command: nobody used them for a while.
    IdleClosed,
    /// What is kept for a time is gone: idempotency records, outcomes.
    Expired,
    /// Redis has no memory left, until the request is answered.
    MemoryFull,
    /// The user of the component may not publish on channels, until the request is answered.
    NoChannels,
    /// The clock of Redis steps, by so many seconds.
    Clock(i64),
    /// No replica follows the primary, until the request is answered.
    ReplicaGone,
    /// The replica, which did not get what the primary did since the scenario began, takes over before the command.
    FailoverBefore,
    /// The same, after the primary ran the command and answered.
    FailoverAfter,
}

/// The classes of errors of Redis, each with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
#[allow(clippy::upper_case_acronyms, reason = "Redis spells them so")]
pub enum Class {
    Oom,
    Noperm,
    Readonly,
    Moved,
    Ask,
    Tryagain,
    Loading,
    Masterdown,
    Noscript,
    Busy,
    Clusterdown,
}

const HOUR: i64 = 3_600;

impl Fault {
    /// All that can happen to one Redis.
    pub fn of_one_redis() -> Vec<Self> {
        let plain = [Self::CutBefore, Self::CutAfter, Self::Late, Self::Expired, Self::MemoryFull, Self::NoChannels];
        let clocks = [Self::Clock(HOUR), Self::Clock(-HOUR)];
        plain.into_iter().chain(Class::iter().map(Self::Error)).chain([Self::IdleClosed]).chain(clocks).collect()
    }

    /// What can happen besides where a replica follows.
    pub fn of_a_replica() -> Vec<Self> {
        vec![Self::ReplicaGone, Self::FailoverBefore, Self::FailoverAfter]
    }

    /// While it lasts nothing is accepted, or no worker commits.
    pub fn stops_writes(self) -> bool {
        matches!(self, Self::MemoryFull | Self::NoChannels)
    }

    /// It is about the time before a request, so it strikes at its first command only.
    pub fn is_before_all(self) -> bool {
        self == Self::IdleClosed
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(class) => f.write_str(class.into()),
            Self::Clock(seconds) => write!(f, "Clock{seconds:+}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Class {
    /// What it says, for a partition in this slot whose Redis is at this port.
    pub fn text(self, slot: u16, port: u16) -> String {
        match self {
            Self::Oom => "OOM command not allowed when used memory > 'maxmemory'.".into(),
            Self::Noperm => "NOPERM User default has no permissions to run this command".into(),
            Self::Readonly => "READONLY You can't write against a read only replica.".into(),
            Self::Moved => format!("MOVED {slot} 127.0.0.1:{port}"),
            Self::Ask => format!("ASK {slot} 127.0.0.1:{port}"),
            Self::Tryagain => "TRYAGAIN Multiple keys request during rehashing of slot".into(),
            Self::Loading => "LOADING Redis is loading the dataset in memory".into(),
            Self::Masterdown => {
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.".into()
            }
            Self::Noscript => "NOSCRIPT No matching script. Please use EVAL.".into(),
            Self::Busy => {
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.".into()
            }
            Self::Clusterdown => "CLUSTERDOWN The cluster is down".into(),
        }
    }
}
