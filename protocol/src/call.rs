//! How each script is called: its keys and arguments, in the order that its head documents.

use std::time::Duration;

use crate::item::{MAX_COUNTER_BYTES, MAX_HEAD_BYTES};
use crate::limits::{
    CHANGES_MAX_SEEN, EXPIRE_MAX_IDS, FOLLOWER_KEPT, HEARTBEAT_EXPIRY, IDEMPOTENCY_KEPT, LIST_MAX_SEEN, OUTCOME_KEPT,
    OUTCOME_KEPT_AFTER_WAIT,
};
use crate::scripts::{self, Script};
use crate::token::{Limit, Name};
use crate::{ItemId, Partition, Revision, StreamId, TraceParent, Write, format, keys};

/// A script with what it is called with.
#[derive(Clone)]
pub struct Call {
    /// The script.
    pub script: &'static Script,
    /// Where its keys are. A script without keys may run anywhere.
    pub partition: Option<Partition>,
    /// `KEYS`, all of one partition.
    pub keys: Vec<String>,
    /// `ARGV`.
    pub arguments: Vec<Vec<u8>>,
}

fn call(script: &'static Script, p: Partition, keys: Vec<String>, arguments: &[&dyn ToString]) -> Call {
    let arguments = arguments.iter().map(|argument| argument.to_string().into_bytes()).collect();
    Call { script, partition: Some(p), keys, arguments }
}

/// The same for a script that checks the format of the data first, which is its first argument.
fn checked(script: &'static Script, p: Partition, keys: Vec<String>, arguments: &[&dyn ToString]) -> Call {
    let known: &dyn ToString = &format::known();
    call(script, p, keys, &[&[known], arguments].concat())
}

/// `accept.lua`: puts `write` on the channel. `digest` tells the request from others under the
/// same idempotency key; it counts only where the write has one. `judged_early` lets a condition that
/// certainly does not hold be refused at once, by what this Redis has.
#[must_use]
pub fn accept(id: &ItemId, write: &Write, digest: &str, max_pending: u64, judged_early: bool) -> Call {
    let p = Partition::of(id);
    let mut keys = vec![keys::writes(p), keys::terms(p)];
    keys.extend(write.idempotency.clone());
    let conditional = judged_early && !write.condition.is_none();
    keys.extend(conditional.then(|| keys::item(id)));
    let script = if write.operation.stores() { &scripts::ACCEPT } else { &scripts::ACCEPT_REMOVAL };
    let digest = if write.idempotency.is_some() { digest } else { "" };
    let (kept, conditional) = (IDEMPOTENCY_KEPT.as_millis(), u8::from(conditional));
    let (doorbell, large) = (keys::doorbell(p), keys::large(p));
    let mut call = checked(script, p, keys, &[&max_pending, &doorbell, &p, &kept, &large, &digest, &conditional]);
    call.arguments.extend(write.fields(id));
    call
}

/// `accept_many.lua`: puts `writes` on the channel of `p`, which is the partition of their ids.
/// Each comes with its digest, as for [`accept`].
#[must_use]
pub fn accept_many<'a>(
    p: Partition,
    writes: impl IntoIterator<Item = (&'a ItemId, &'a Write, &'a str)> + Clone,
    max_pending: u64,
    judged_early: bool,
) -> Call {
    let any_stored = writes.clone().into_iter().any(|(_, write, _)| write.operation.stores());
    let script = if any_stored { &scripts::ACCEPT_MANY } else { &scripts::ACCEPT_MANY_REMOVALS };
    let (kept, items) = (IDEMPOTENCY_KEPT.as_millis(), keys::item_prefix(p));
    let keys = vec![keys::writes(p), keys::terms(p), keys::scratch(p)];
    let early = u8::from(judged_early);
    let (doorbell, large) = (keys::doorbell(p), keys::large(p));
    let mut call = checked(script, p, keys, &[&max_pending, &doorbell, &p, &kept, &large, &items, &early]);
    for (id, write, digest) in writes {
        let fields = write.fields(id);
        let record = write.idempotency.clone().unwrap_or_default();
        call.arguments.extend([fields.len().to_string().into(), record.into(), digest.into()]);
        call.arguments.extend(fields);
    }
    call
}

/// `recall.lua`: what accepting a write to `id` would answer, had its request been sent before with this idempotency record
/// and digest; without one, by any request.
#[must_use]
pub fn recall(id: &ItemId, record: &str, digest: &str) -> Call {
    let p = Partition::of(id);
    checked(&scripts::RECALL, p, vec![keys::terms(p), record.to_owned()], &[&digest, &IDEMPOTENCY_KEPT.as_millis()])
}

/// `read_many.lua`: reads items of the partition `p`, of about `room` bytes in all.
#[must_use]
pub fn read_many(p: Partition, ids: &[&ItemId], room: usize) -> Call {
    call(&scripts::READ_MANY, p, ids.iter().map(|id| keys::item(id)).collect(), &[&room])
}

/// `commit.lua`: applies the head of the partition's channel, of so many entries and bytes. Of the
/// changes about `changes_kept` are kept; with 0 there is no feed of them.
#[must_use]
pub fn commit(p: Partition, max_entries: usize, max_bytes: usize, changes_kept: u64) -> Call {
    let keys = [
        keys::writes,
        keys::index,
        keys::expiry,
        keys::dead,
        keys::scratch,
        keys::changes,
        keys::terms,
        keys::rejected,
    ];
    let (item, outcome, large) = (keys::item_prefix(p), keys::outcome_prefix(p), keys::large(p));
    let kept = OUTCOME_KEPT_AFTER_WAIT.as_millis();
    let arguments: [&dyn ToString; 8] =
        [&item, &outcome, &large, &kept, &max_entries, &max_bytes, &MAX_COUNTER_BYTES, &changes_kept];
    checked(&scripts::COMMIT, p, keys.map(|key| key(p)).to_vec(), &arguments)
}

/// The reply of `commit.lua`: what one call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Writes applied.
    pub applied: u64,
    /// Writes whose condition did not hold.
    pub rejected: u64,
    /// Entries that can never be applied, moved to the dead stream.
    pub dead: u64,
    /// Entries that are still in the stream.
    pub left: u64,
    /// Why it stopped early; empty if it did not.
    pub error: String,
    /// The bytes of the items in what it took, or about that.
    pub bytes: u64,
    /// How many ms after its acceptance it took an entry, for so many entries.
    pub ages: Vec<(u64, u64)>,
    /// The entries of whose end somebody should hear.
    pub told: Vec<Told>,
}

/// An entry that is dead, or belongs to a trace that is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its ID.
    pub id: StreamId,
    /// The trace of the request that sent it.
    pub trace: Option<TraceParent>,
    /// What became of it.
    pub outcome: String,
}

/// The same as Redis gives it.
pub type CommitReply = (u64, u64, u64, u64, String, u64, Vec<(u64, u64)>, Vec<(String, String, String)>);

impl From<CommitReply> for Committed {
    fn from((applied, rejected, dead, left, error, bytes, ages, told): CommitReply) -> Self {
        let told = told.into_iter().filter_map(|(id, trace, outcome)| {
            Some(Told { id: id.parse().ok()?, trace: TraceParent::parse(trace.as_bytes()), outcome })
        });
        Self { applied, rejected, dead, left, error, bytes, ages, told: told.collect() }
    }
}

/// `expire.lua`: takes expired ids off the partition's index, [`EXPIRE_MAX_IDS`] at most, and forgets old rejections. The
/// feed is told, as by [`commit`].
#[must_use]
pub fn expire(p: Partition, changes_kept: u64) -> Call {
    let keys = [keys::index, keys::expiry, keys::scratch, keys::changes, keys::terms, keys::rejected];
    let (items, kept) = (keys::item_prefix(p), OUTCOME_KEPT.as_millis());
    checked(&scripts::EXPIRE, p, keys.map(|key| key(p)).to_vec(), &[&items, &EXPIRE_MAX_IDS, &changes_kept, &kept])
}

/// `feed.lua`: the first and the last change that each of these partitions keeps. Several have to be on one Redis that
/// is no cluster.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn feed(partitions: &[Partition]) -> Call {
    call(&scripts::FEED, partitions[0], partitions.iter().copied().map(keys::changes).collect(), &[])
}

/// `follow.lua`: takes one of so many places for requests that wait for changes, or keeps it, for so long:
/// [`limits::FOLLOWER_KEPT`](crate::limits::FOLLOWER_KEPT) at most.
#[must_use]
pub fn follow(name: &str, most: u64, kept: Duration) -> Call {
    let (p, kept) = (Partition::FIRST, kept.min(FOLLOWER_KEPT).as_millis());
    call(&scripts::FOLLOW, p, vec![keys::followers(p)], &[&name, &most, &kept, &FOLLOWER_KEPT.as_millis()])
}

/// `news.lua`: which of these partitions have changes behind the position named. Several have to be on one Redis that is
/// no cluster.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn news(positions: &[(Partition, StreamId)]) -> Call {
    let streams = positions.iter().map(|(p, _)| keys::changes(*p)).collect();
    let mut call = call(&scripts::NEWS, positions[0].0, streams, &[]);
    let words = positions.iter().flat_map(|(_, after)| [*after, after.next().unwrap_or(*after)]);
    call.arguments = words.map(|id| id.to_string().into_bytes()).collect();
    call
}

/// `changes.lua`: the changes of the partition after the one named, `most` at most, to ids that start
/// with `prefix`.
#[must_use]
pub fn changes(p: Partition, after: StreamId, prefix: &str, most: usize) -> Call {
    let next = after.next().unwrap_or(after);
    call(&scripts::CHANGES, p, vec![keys::changes(p)], &[&after, &next, &prefix, &most, &CHANGES_MAX_SEEN])
}

/// `read_heads.lua`: the header blocks of items of the partition `p`.
#[must_use]
pub fn read_heads(p: Partition, ids: &[&ItemId]) -> Call {
    call(&scripts::READ_HEADS, p, ids.iter().map(|id| keys::item(id)).collect(), &[&MAX_HEAD_BYTES])
}

/// `outcome.lua`: what became of a write, and how `item` stands where it is named; then only of a
/// write to it.
#[must_use]
pub fn outcome(revision: Revision, item: Option<&ItemId>) -> Call {
    let p = revision.partition;
    let mut keys = vec![keys::writes(p), keys::rejected(p), keys::terms(p)];
    keys.extend(item.map(keys::item));
    let (StreamId { ms, seq }, kept) = (revision.id, OUTCOME_KEPT.as_millis());
    let id = item.map(ItemId::as_str).unwrap_or_default();
    checked(&scripts::OUTCOME, p, keys, &[&ms, &seq, &kept, &id, &keys::large(p)])
}

/// `take_outcomes.lua`: takes the outcomes of writes of the partition `p` that are there to be taken.
#[must_use]
pub fn take_outcomes(p: Partition, writes: impl IntoIterator<Item = StreamId>) -> Call {
    let of = |id| keys::outcome(Revision { partition: p, id });
    call(&scripts::TAKE_OUTCOMES, p, writes.into_iter().map(of).collect(), &[])
}

/// `read_after.lua`: the item, unless a write up to `revision` of its partition is unapplied.
#[must_use]
pub fn read_after(id: &ItemId, revision: StreamId) -> Call {
    let p = Partition::of(id);
    let keys = vec![keys::writes(p), keys::item(id), keys::terms(p)];
    let kept = IDEMPOTENCY_KEPT.as_millis();
    checked(&scripts::READ_AFTER, p, keys, &[&revision.ms, &revision.seq, &keys::large(p), &kept])
}

/// What a listing tells of each partition.
#[derive(Clone, Debug)]
pub struct Listing<'a> {
    /// What the ids start with.
    pub prefix: &'a str,
    /// The position after which to start; empty for the beginning.
    pub after: &'a [u8],
    /// What ends a group of ids, empty for no groups.
    pub delimiter: &'a str,
    /// Most ids and groups.
    pub max_told: usize,
    /// Most ids among them.
    pub max_ids: usize,
    /// Whether to tell the header block of each item, and the size of its value.
    pub heads: bool,
}

/// `list.lua`: the ids of a partition in byte order.
#[must_use]
pub fn list(p: Partition, listing: &Listing<'_>) -> Call {
    let Listing { prefix, after, delimiter, max_told, max_ids, heads } = *listing;
    let keys = vec![keys::index(p), keys::expiry(p), keys::scratch(p), keys::terms(p)];
    let (item, heads) = (keys::item_prefix(p), u8::from(heads));
    let limits: [&dyn ToString; 5] = [&max_told, &max_ids, &LIST_MAX_SEEN, &heads, &MAX_HEAD_BYTES];
    let mut call = checked(&scripts::LIST, p, keys, &[&item, &prefix]);
    call.arguments.extend([after.to_vec(), delimiter.into()]);
    call.arguments.extend(limits.iter().map(|limit| limit.to_string().into_bytes()));
    call
}

/// `rate.lua`: takes a request from what the tokens of this name may send.
#[must_use]
pub fn rate(name: &Name, limit: Limit) -> Call {
    call(&scripts::RATE, keys::rate_partition(name), vec![keys::rate(name)], &[&limit.rate, &limit.burst])
}

/// `heartbeat.lua`: the worker `name` lives, on the roster that partition `p` keeps.
#[must_use]
pub fn heartbeat(p: Partition, name: &str) -> Call {
    call(&scripts::HEARTBEAT, p, vec![keys::workers(p)], &[&name, &HEARTBEAT_EXPIRY.as_millis()])
}

/// `live_workers.lua`: how many workers live, by the roster that partition `p` keeps.
#[must_use]
pub fn live_workers(p: Partition) -> Call {
    call(&scripts::LIVE_WORKERS, p, vec![keys::workers(p)], &[&HEARTBEAT_EXPIRY.as_millis()])
}

/// `say_format.lua`: the data of the partition says its format from now on.
#[must_use]
pub fn say_format(p: Partition) -> Call {
    checked(&scripts::SAY_FORMAT, p, vec![keys::writes(p), keys::terms(p)], &[])
}

/// `start_terms.lua`: from now on the IDs of the partition's writes tell the term of their primary.
#[must_use]
pub fn start_terms(p: Partition) -> Call {
    checked(
        &scripts::START_TERMS,
        p,
        vec![keys::writes(p), keys::terms(p)],
        &[&IDEMPOTENCY_KEPT.as_millis(), &keys::large(p)],
    )
}

/// `locate.lua`: which master of a cluster has which slots. It has no keys: any node answers.
#[must_use]
pub fn locate() -> Call {
    Call { script: &scripts::LOCATE, partition: None, keys: vec![], arguments: vec![] }
}

/// `lag.lua`: the age of the oldest unapplied write of the partition.
#[must_use]
pub fn lag(p: Partition) -> Call {
    call(&scripts::LAG, p, vec![keys::writes(p)], &[&keys::large(p)])
}

/// `look.lua`: how the partition stands.
#[must_use]
pub fn look(p: Partition) -> Call {
    call(&scripts::LOOK, p, vec![keys::writes(p), keys::index(p), keys::dead(p)], &[&keys::large(p)])
}

/// The reply of `look.lua`: how a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Writes accepted and not yet applied.
    pub pending: u64,
    /// For how long the oldest of them has waited.
    pub oldest: Option<Duration>,
    /// Writes ever accepted, dead letters that were put back included; unknown while large values wait. It falls only
    /// where a failover loses some.
    pub accepted: Option<u64>,
    /// Ids on the index, if that is one.
    pub items: Option<u64>,
    /// Entries that can never be applied, if it is a stream that they are on.
    pub dead_letters: Option<u64>,
}

/// The same as Redis gives it.
pub type LookReply = (u64, i64, i64, i64, i64);

impl From<LookReply> for Look {
    fn from((pending, oldest, accepted, items, dead_letters): LookReply) -> Self {
        let known = |number: i64| u64::try_from(number).ok();
        Self {
            pending,
            oldest: known(oldest).map(Duration::from_millis),
            accepted: known(accepted),
            items: known(items),
            dead_letters: known(dead_letters),
        }
    }
}

/// `retry.lua`: puts the dead entry `entry` of the partition back on its channel.
#[must_use]
pub fn retry(p: Partition, entry: StreamId) -> Call {
    let keys = vec![keys::dead(p), keys::writes(p), keys::terms(p)];
    let kept = IDEMPOTENCY_KEPT.as_millis();
    checked(&scripts::RETRY, p, keys, &[&entry, &keys::doorbell(p), &p, &kept, &keys::large(p)])
}
