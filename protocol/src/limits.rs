//! Limits and defaults, each defined once.
//!
//! `spin.toml` repeats the defaults of its variables, because a manifest cannot import them;
//! a test compares the two.

use std::time::Duration;

/// Longest item id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 512;

/// Longest `Content-Type` that is stored with an item, in bytes.
pub const MAX_CONTENT_TYPE_BYTES: usize = 255;

/// Largest metadata of an item, in bytes, names included.
pub const MAX_METADATA_BYTES: usize = 2 * 1024;

/// Largest value by default, in bytes (the variable `max_value_bytes`).
pub const DEFAULT_MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Largest `max_value_bytes` that may be configured: a value crosses Wasm memory, a stream
/// entry and a script whole, and each of them holds Redis up for as long.
pub const MAX_CONFIGURABLE_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// Longest time to live, in seconds: 100 years. It keeps `now + ttl` far from overflow, in
/// Rust and in Lua, whose numbers are exact only up to 2^53.
pub const MAX_TTL_SECONDS: u64 = 100 * 365 * 24 * 60 * 60;

/// Accepted and unapplied writes that one partition may hold by default (the variable
/// `max_pending`); beyond it a write is refused with 503.
pub const DEFAULT_MAX_PENDING: u64 = 10_000;

/// Largest `max_pending` that may be configured.
pub const MAX_CONFIGURABLE_PENDING: u64 = 1_000_000_000;

/// How long the component waits for one Redis command by default (the variable
/// `redis_timeout_ms`).
pub const DEFAULT_REDIS_TIMEOUT: Duration = Duration::from_millis(2_000);

/// Most replicas that may be asked for (the variable `min_replicas`).
pub const MAX_MIN_REPLICAS: u64 = 5;

/// How long replicas may take to have a write.
pub const REPLICATION_PATIENCE: Duration = Duration::from_secs(1);

/// How long the reason of a rejected write is kept, and therefore how long the outcome of a
/// write can be told at all: `GET /writes/{revision}` answers 410 for an older one.
pub const OUTCOME_KEPT: Duration = Duration::from_secs(60 * 60);

/// Longest that a client may wait for an outcome by default, in seconds (the variable
/// `max_wait_seconds`).
pub const DEFAULT_MAX_WAIT_SECONDS: u64 = 10;

/// Largest `max_wait_seconds` that may be configured. A wait holds a request.
pub const MAX_CONFIGURABLE_WAIT_SECONDS: u64 = 60;

/// How long a conditional write waits for its outcome when the client says nothing about it.
pub const CONDITIONAL_WAIT_SECONDS: u64 = 2;

/// How much longer than somebody waits for it an outcome is kept: who waits looks last when the time
/// is up, and may have opened a connection before.
pub const OUTCOME_KEPT_AFTER_WAIT: Duration = Duration::from_secs(5);

/// Who waits for a write behind fewer unapplied ones than this blocks in Redis, on a connection of its
/// own; the others look now and then. Whoever blocks has an entry in the channel, so no more than
/// this many connections of a partition are blocked at once. On WASI 0.2 each of them holds an
/// instance too, of which a host has 1,000.
pub const MAX_BLOCKED_PER_PARTITION: u64 = 4;

/// Requests of one instance that may block at once.
pub const MAX_BLOCKED_PER_INSTANCE: usize = 16;

/// Connections for blocking that an instance keeps for the next who waits.
pub const MAX_IDLE_PER_INSTANCE: usize = 4;

/// How long a worker takes for an entry, roughly; who looks for an outcome now and then looks first
/// when those ahead may be done.
pub const COMMIT_TIME: Duration = Duration::from_micros(20);

/// The longest pause of who looks for an outcome now and then.
pub const MAX_LOOK_PAUSE: Duration = Duration::from_secs(2);

/// How long an `Idempotency-Key` is remembered, with the outcome of its write. No outcome is told for longer, so
/// which terms gave out revisions is remembered for as long.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest `Idempotency-Key`, in bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Most entity tags in `If-Match` or `If-None-Match`.
pub const MAX_ENTITY_TAGS: usize = 64;

/// Most entries that one call of the commit script applies. 128 small ones hold Redis for
/// about a millisecond.
pub const COMMIT_MAX_ENTRIES: usize = 128;

/// A commit call stops once it has applied this many bytes of values. The first entry is
/// applied whatever its size.
pub const COMMIT_MAX_BYTES: usize = 512 * 1024;

/// Changes that a partition keeps by default, about (the worker's `--changes-kept`).
pub const DEFAULT_CHANGES_KEPT: u64 = 10_000;

/// Most that may be configured.
pub const MAX_CHANGES_KEPT: u64 = 1_000_000_000;

/// Most changes that one call of the changes script looks at.
pub const CHANGES_MAX_SEEN: usize = 1_000;

/// Most changes of a partition that an instance remembers for those who follow them through it.
pub const MAX_REMEMBERED_CHANGES: usize = 128;

/// How often an instance looks whether there are changes, while somebody waits for some.
pub const CHANGES_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long such a look waits for a Redis that does not answer; all others are looked at again then.
pub const CHANGES_MAX_LOOK: Duration = Duration::from_millis(500);

/// Requests that may wait for changes at once on WASI 0.2, in the whole store, by default (the variable `max_followers`).
/// Each takes one of the 1,000 instances of its host; writes that wait take [`MAX_BLOCKED_PER_PARTITION`] for each partition
/// at most. So even a host that has all of them has more than 400 instances left for what does not wait.
pub const DEFAULT_MAX_FOLLOWERS: u64 = 300;

/// Most that may be configured, where the requests go to many hosts.
pub const MAX_CONFIGURABLE_FOLLOWERS: u64 = 1_000_000;

/// How much longer than it waits a request keeps its place, which it gives back when it is answered.
pub const PLACE_KEPT_AFTER_WAIT: Duration = Duration::from_secs(5);

/// For how long at most a request that waits for changes has its place without keeping it.
pub const FOLLOWER_KEPT: Duration =
    Duration::from_secs(MAX_CONFIGURABLE_WAIT_SECONDS + PLACE_KEPT_AFTER_WAIT.as_secs());

/// The same for a stream, which keeps its place as often as it says that it lives. The place of one whose instance was
/// killed is free after this.
pub const STREAM_KEPT: Duration = Duration::from_secs(45);

/// For how long the client of a stream may take nothing of what it is sent, on WASI 0.2: then the stream ends, and comes
/// back where it was. Else it would hold its instance for longer than its place.
pub const MAX_STALL: Duration = Duration::from_secs(15);

/// How often somebody who follows the changes hears that there is none. Only then is it noticed that a
/// client has gone.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How long a stream of changes lasts. Its client comes again, with a token that is still good.
pub const MAX_STREAM: Duration = Duration::from_secs(5 * 60);

/// Most expired ids that one call of the expire script takes off the index of a partition.
pub const EXPIRE_MAX_IDS: usize = 256;

/// Most ids and groups on a page of a listing.
pub const MAX_LIST_LIMIT: usize = 1_000;

/// How many there are where the client does not say.
pub const DEFAULT_LIST_LIMIT: usize = 100;

/// Longest delimiter of a listing, in bytes.
pub const MAX_DELIMITER_BYTES: usize = 16;

/// Most items that one call of the list script looks at. Only items that have expired and are
/// still on the index make it look at more than it tells.
pub const LIST_MAX_SEEN: usize = 4_096;

/// Most operations of a bulk write, and most ids of a bulk read.
pub const MAX_BULK_OPERATIONS: usize = 1_000;

/// Largest body of a bulk write, and about the largest answer to a bulk read, in bytes.
pub const MAX_BULK_BYTES: usize = 8 * 1024 * 1024;

/// Longest path and query of a request, in bytes as they are sent.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Largest headers of a request, in bytes of all names and values.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Largest patch, and largest JSON that is patched, in bytes: opened, it takes up to some 20 times as much
/// memory, of which an instance of the component has little.
pub const MAX_PATCHED_BYTES: usize = 1024 * 1024;

/// Most operations of a JSON Patch. Each may move all elements of an array.
pub const MAX_PATCH_OPERATIONS: usize = 1_000;

/// Most arrays and objects inside each other in what a patch makes: as many as can be read again.
pub const MAX_JSON_DEPTH: usize = 127;

/// How often a patch is tried, within the time that its client waits, where others write to the same
/// item meanwhile. Of six who patch one item all the time, one in 100,000 loses so often.
pub const MAX_PATCH_ATTEMPTS: u32 = 64;

/// How often a worker says that it lives.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// A worker that has not said so for this long counts as gone.
pub const HEARTBEAT_EXPIRY: Duration = Duration::from_secs(5);

/// Readiness fails when the oldest unapplied write is older than this: nobody commits.
pub const READY_MAX_LAG: Duration = Duration::from_secs(10);

/// What a client that was refused for overload is told to wait (`Retry-After`).
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
