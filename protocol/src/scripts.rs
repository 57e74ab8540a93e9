//! The Lua scripts, the only code that changes data in Redis.
//!
//! Each lies in `scripts/` as a `.lua` file whose head documents its keys, arguments and reply.
//! What several of them need stands in a fragment of its own, and goes in front of their text, all of it without
//! its comments (`build.rs`).
//! All keys of a call belong to one partition, so each runs on one slot of a cluster; the item
//! keys are built inside from a prefix with the same hash tag. Those that the component runs answer flat
//! arrays, because Spin flattens nested ones. Their first line, `#!lua` with flags, needs Redis 7.0 or Valkey; it says which of
//! them only read, and which may run when Redis is out of memory.

use std::sync::LazyLock;

/// A script with its digest, by which Redis finds it again (`EVALSHA`).
pub struct Script {
    /// What it is called in logs.
    pub name: &'static str,
    source: LazyLock<String>,
    sha: const_hex::Buffer<20>,
}

impl Script {
    /// The Lua source, without comments. It is put together when it is asked for: so each fragment is once in a
    /// program that has several scripts.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The SHA-1 of the source in hexadecimal, as `EVALSHA` takes it. The compiler works it out: an instance on WASI
    /// 0.2, which serves one request, would need longer for it than Redis for the script.
    #[must_use]
    pub fn sha(&self) -> &str {
        self.sha.as_str()
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $constant:ident, $flags:literal, $($part:literal),+;)+) => {
        $(
            $(#[$doc])*
            pub static $constant: Script = Script {
                name: stringify!($constant),
                source: LazyLock::new(|| {
                    [concat!("#!lua flags=", $flags, "\n"), $(include_str!(concat!(env!("OUT_DIR"), "/", $part, ".lua"))),+].concat()
                }),
                sha: const {
                    let source = concat!("#!lua flags=", $flags, "\n", $(include_str!(concat!(env!("OUT_DIR"), "/", $part, ".lua"))),+);
                    const_hex::const_encode::<20, false>(&const_sha1::sha1(source.as_bytes()).as_bytes())
                },
            };
        )+

        /// All of them.
        pub static ALL: &[&Script] = &[$(&$constant),+];
    };
}

scripts! {
    /// Puts a write on the channel of its partition, or refuses it.
    ACCEPT, "", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "fragment/precondition", "fragment/recall", "fragment/admit", "accept";
    /// The same for a write that stores nothing: it may run when Redis is out of memory, so that
    /// a full store can be emptied.
    ACCEPT_REMOVAL, "allow-oom", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "fragment/precondition", "fragment/recall", "fragment/admit", "accept";
    /// Puts many writes on the channel of their partition.
    ACCEPT_MANY, "", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "fragment/precondition", "fragment/recall", "fragment/admit", "accept_many";
    /// The same for writes that store nothing.
    ACCEPT_MANY_REMOVALS, "allow-oom", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "fragment/precondition", "fragment/recall", "fragment/admit", "accept_many";
    /// Answers a repeated request from its idempotency record. A full store answers too.
    RECALL, "allow-oom", "fragment/format", "fragment/recall", "recall";
    /// Applies the head of a write channel.
    COMMIT, "allow-oom", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/precondition", "fragment/feed", "commit";
    /// Takes ids whose items have expired off the index.
    EXPIRE, "allow-oom", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/feed", "expire";
    /// Takes or keeps a place among the requests that wait for changes. A full store shall limit too.
    FOLLOW, "allow-oom", "fragment/clock", "follow";
    /// Says which partitions have changes behind a position.
    NEWS, "no-writes", "news";
    /// Tells the first and the last change that partitions keep.
    FEED, "no-writes", "feed";
    /// Tells the changes of a partition in order.
    CHANGES, "no-writes", "changes";
    /// Tells the header blocks of items.
    READ_HEADS, "no-writes", "fragment/header_block", "read_heads";
    /// Tells what became of a write.
    OUTCOME, "no-writes", "fragment/format", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/is_there", "fragment/precondition", "outcome";
    /// Takes the outcomes of writes that somebody waits for.
    TAKE_OUTCOMES, "allow-oom", "take_outcomes";
    /// Reads an item, unless writes that were accepted before a revision are unapplied.
    READ_AFTER, "no-writes", "fragment/format", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/is_there", "read_after";
    /// Reads items, as far as there is room.
    READ_MANY, "no-writes", "read_many";
    /// Tells the ids of a partition in order.
    LIST, "no-writes", "fragment/format", "fragment/clock", "fragment/header_block", "list";
    /// Says that a worker lives, and answers who else does.
    HEARTBEAT, "allow-oom", "fragment/clock", "heartbeat";
    /// Counts the workers that live.
    LIVE_WORKERS, "no-writes", "fragment/clock", "live_workers";
    /// Tells the age of the oldest unapplied write of a partition.
    LAG, "no-writes", "fragment/clock", "fragment/large", "lag";
    /// Tells how a partition stands.
    LOOK, "no-writes", "fragment/clock", "fragment/large", "look";
    /// Takes a request from what a token may send. A full store shall limit too.
    RATE, "allow-oom", "rate";
    /// Puts a dead entry back on the channel of its partition.
    RETRY, "", "fragment/format", "fragment/need", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "retry";
    /// Has the IDs of writes tell the term of the primary that gives them out.
    START_TERMS, "allow-oom", "fragment/format", "fragment/clock", "fragment/large", "fragment/stream_id", "fragment/term", "fragment/append", "start_terms";
    /// Has the data of a partition say its format.
    SAY_FORMAT, "allow-oom", "fragment/format", "say_format";
    /// Tells which master of a cluster has which slots.
    LOCATE, "no-writes,allow-stale", "locate";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_source() {
        for script in ALL {
            let digest = sha1_smol::Sha1::from(script.source()).digest().to_string();
            assert_eq!(script.sha(), digest, "{}", script.name);
        }
    }
}
