//! What a refusal of Redis says about where a command should go, and when.

use crate::store::redis::RedisError;

/// A command did nothing, and may do elsewhere or later.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its partition lives there (`MOVED`).
    Moved(String),
    /// Its keys are there by now, for this once (`ASK`).
    Ask(String),
    /// The node cannot do it at present: its slot moves, or the cluster or the node has to come up.
    Later,
    /// The node cannot be reached, or is no master any more.
    Elsewhere,
}

impl Refusal {
    /// Reads what the node at `asked` answered; `None` where nothing else will help.
    pub fn of(error: &RedisError, asked: &str) -> Option<Self> {
        match error {
            RedisError::NotSent(_) => Some(Self::Elsewhere),
            RedisError::Refused { code, message } => match code.as_str() {
                "MOVED" => Some(Self::Moved(address(message, asked)?)),
                "ASK" => Some(Self::Ask(address(message, asked)?)),
                // A script that reached for a key which has moved away is told so in words.
                "TRYAGAIN" | "CLUSTERDOWN" | "LOADING" => Some(Self::Later),
                "READONLY" | "MASTERDOWN" | "UNBLOCKED" => Some(Self::Elsewhere),
                _ => None,
            },
            RedisError::Lost(_) | RedisError::Unexpected(_) | RedisError::UnderReplicated(_) => None,
        }
    }
}

/// The address in `… <slot> <host>:<port>`. An empty host is that of the node which said it.
fn address(message: &str, asked: &str) -> Option<String> {
    let (host, port) = message.split_whitespace().next_back()?.rsplit_once(':')?;
    Some(join(host, port, asked))
}

/// `host:port`, with brackets around an IPv6 address; an empty host is that of `asked`.
pub fn join(host: &str, port: &str, asked: &str) -> String {
    match host {
        "" => format!("{}:{port}", asked.rsplit_once(':').map_or(asked, |(host, _)| host)),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
        host => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::HostError;

    /// As redis-rs 0.32 (Spin 3.x and 4.x) and 1.x print them.
    #[test]
    fn redirections_are_read() {
        for (message, refusal) in [
            (
                "An error was signalled by the server - Moved: 3999 10.0.0.1:6379",
                Refusal::Moved("10.0.0.1:6379".to_owned()),
            ),
            ("Moved: 3999 redis-1.redis:6379", Refusal::Moved("redis-1.redis:6379".to_owned())),
            ("Moved: 3999 ::1:7001", Refusal::Moved("[::1]:7001".to_owned())),
            ("Moved: 3999 :7001", Refusal::Moved("me:7001".to_owned())),
            ("Ask: 3999 10.0.0.1:6379", Refusal::Ask("10.0.0.1:6379".to_owned())),
            ("TryAgain: Multiple keys request during rehashing of slot", Refusal::Later),
            ("ClusterDown: The cluster is down", Refusal::Later),
            ("ReadOnly: You can't write against a read only replica.", Refusal::Elsewhere),
        ] {
            let error = RedisError::from_host(&HostError::Other(message.to_owned()));
            assert_eq!(Refusal::of(&error, "me:7000"), Some(refusal), "{message}");
        }
        assert_eq!(Refusal::of(&RedisError::Lost("broken pipe".to_owned()), "me:7000"), None);
    }
}
