//! The Lua scripts, the only code that changes data in Redis.
//!
//! Each lies in `scripts/` as a `.lua` file whose head documents its keys, arguments and reply.
//! All keys of a call belong to one partition, so each runs on one slot of a cluster; the item
//! keys are built inside from a prefix with the same hash tag. All answer flat arrays, because
//! Spin flattens nested ones. Their `#!lua` line needs Redis 7.0 or Valkey.

use std::sync::LazyLock;

/// A script with its digest, by which Redis finds it again (`EVALSHA`).
pub struct Script {
    /// What it is called in logs.
    pub name: &'static str,
    /// The Lua source.
    pub source: &'static str,
    sha: LazyLock<String>,
}

impl Script {
    /// The SHA-1 of the source in hexadecimal, as `EVALSHA` takes it.
    #[must_use]
    pub fn sha(&self) -> &str {
        &self.sha
    }
}

macro_rules! script {
    ($(#[$doc:meta])* $constant:ident, $name:literal) => {
        $(#[$doc])*
        pub static $constant: Script = Script {
            name: $name,
            source: include_str!(concat!("scripts/", $name, ".lua")),
            sha: LazyLock::new(|| sha1_smol::Sha1::from(include_str!(concat!("scripts/", $name, ".lua"))).digest().to_string()),
        };
    };
}

script!(
    /// Puts a write on the channel of its partition, or refuses it for overload.
    ACCEPT, "accept"
);
script!(
    /// Applies the head of a write channel.
    COMMIT, "commit"
);
script!(
    /// Takes ids whose items have expired off the index.
    EXPIRE, "expire"
);
script!(
    /// Tells what became of a write.
    OUTCOME, "outcome"
);
script!(
    /// Says that a worker lives, and answers who else does.
    HEARTBEAT, "heartbeat"
);
script!(
    /// Counts the workers that live.
    LIVE_WORKERS, "live_workers"
);
script!(
    /// Tells the age of the oldest unapplied write of a partition.
    LAG, "lag"
);
