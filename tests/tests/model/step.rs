//! What may happen to a store: the steps that random sequences are made of.
//!
//! A step names revisions by how one would come to know them, so that it means something in
//! every state: any step can be left out of a failing sequence, and it shrinks by itself.

use std::sync::LazyLock;

use larder_protocol::{ItemId, Partition};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// One step. An item is named by its place in [`IDS`].
#[derive(Clone, Debug)]
pub enum Step {
    /// A client writes.
    Accept(Request),
    /// A worker commits the item's partition; with `broken`, while the type of a key is wrong.
    Commit { item: usize, max_entries: usize, max_bytes: usize, broken: Option<Broken> },
    /// The time to live of an item ends.
    Lapse { item: usize },
    /// A worker tidies the item's partition up.
    Expire { item: usize },
    /// An idempotency record ends.
    LapseRecord { item: usize, key: u8 },
    /// An operator puts a dead entry back.
    Retry { item: usize, nth: usize },
    /// A client asks about a write of the item's partition.
    Ask { item: usize, pick: Pick },
    /// Somebody else puts an entry on the channel.
    Malformed { item: usize, kind: usize },
    /// Somebody else writes to the key of an item or of a record.
    Stranger { item: usize, act: Act },
}

/// A write, and what the client asks with it.
#[derive(Clone, Debug)]
pub struct Request {
    pub item: usize,
    pub change: Change,
    pub if_match: Option<States>,
    pub if_none_match: Option<States>,
    pub wait: bool,
    /// An idempotency key, and the digest of the request.
    pub key: Option<(u8, u8)>,
    pub max_pending: usize,
    /// Whether the script for many writes takes it.
    pub among_many: bool,
}

#[derive(Clone, Debug)]
pub enum Change {
    Put { bytes: usize, ttl: Ttl },
    Replace { bytes: usize },
    Increment { by: i64, ttl: Ttl },
    Delete,
    Barrier,
}

/// A time to live that no test comes near the end of, or that is over before any commit.
#[derive(Clone, Copy, Debug)]
pub enum Ttl {
    None,
    Long,
    Over,
}

#[derive(Clone, Debug)]
pub enum States {
    Any,
    These(Vec<Pick>),
}

/// A way to come by a revision.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// That of the item.
    Current,
    /// One that was given out in the partition, counted from the latest.
    Seen(usize),
    /// One that was never given out.
    Never(Never),
}

#[derive(Clone, Copy, Debug)]
pub enum Never {
    Ancient,
    Next,
    Longer,
    Last,
}

/// Which key holds something else for the time of a commit.
#[derive(Clone, Copy, Debug)]
pub enum Broken {
    Index,
    Expiry,
    Changes,
}

#[derive(Clone, Copy, Debug)]
pub enum Act {
    Text,
    List,
    Remove,
    /// Lengthens the item's time to live, or seems to: the expiry set says that it is over.
    Overdue,
    RecordList(u8),
}

/// Three ids of one partition, with what is special in Lua patterns, globs and our own keys,
/// and one of another.
pub static IDS: LazyLock<Vec<ItemId>> = LazyLock::new(|| {
    let home = Partition::new(3).expect("there are more");
    let id = |start: &str, at: &dyn Fn(Partition) -> bool| {
        let mut ids = (0..).map(|n| ItemId::new(format!("{start}{n}")).expect("a valid id"));
        ids.find(|id| at(Partition::of(id))).expect("ids spread over all partitions")
    };
    vec![
        id("a", &|p| p == home),
        id("%S+-[x]*(.-)$ if-match ", &|p| p == home),
        id("{7}:é * 5-0\u{2028}", &|p| p == home),
        id("a", &|p| p != home),
    ]
});

fn pick() -> impl Strategy<Value = Pick> {
    let never = prop_oneof![Just(Never::Ancient), Just(Never::Next), Just(Never::Longer), Just(Never::Last)];
    prop_oneof![3 => Just(Pick::Current), 4 => (0usize..6).prop_map(Pick::Seen), 1 => never.prop_map(Pick::Never)]
}

fn states() -> impl Strategy<Value = Option<States>> {
    let states = prop_oneof![Just(States::Any), vec(pick(), 0..3).prop_map(States::These)];
    option::weighted(0.25, states)
}

fn request() -> impl Strategy<Value = Request> {
    let ttl = prop_oneof![4 => Just(Ttl::None), 2 => Just(Ttl::Long), 1 => Just(Ttl::Over)];
    let bytes = prop_oneof![Just(1usize), Just(40), Just(400)];
    let put = (bytes.clone(), ttl.clone()).prop_map(|(bytes, ttl)| Change::Put { bytes, ttl });
    let replace = bytes.prop_map(|bytes| Change::Replace { bytes });
    let by = prop_oneof![4 => -9i64..=9, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => any::<i64>()];
    let increment = (by, ttl).prop_map(|(by, ttl)| Change::Increment { by, ttl });
    let change = prop_oneof![
        6 => put, 2 => replace, 4 => increment, 3 => Just(Change::Delete), 1 => Just(Change::Barrier)
    ];
    let key = option::weighted(0.3, (0u8..2, 0u8..2));
    let max_pending = prop_oneof![1 => 0usize..4, 6 => Just(1_000)];
    (item(), change, states(), states(), any::<bool>(), key, max_pending, any::<bool>()).prop_map(
        |(item, change, if_match, if_none_match, wait, key, max_pending, among_many)| Request {
            item,
            change,
            if_match,
            if_none_match,
            wait,
            key,
            max_pending,
            among_many,
        },
    )
}

fn item() -> impl Strategy<Value = usize> {
    0..IDS.len()
}

fn commit() -> impl Strategy<Value = Step> {
    let entries = prop_oneof![Just(128usize), 1usize..5];
    let bytes = prop_oneof![Just(1_000_000usize), Just(500), Just(41), Just(1)];
    let broken = option::weighted(0.1, prop_oneof![Just(Broken::Index), Just(Broken::Expiry), Just(Broken::Changes)]);
    (item(), entries, bytes, broken).prop_map(|(item, max_entries, max_bytes, broken)| Step::Commit {
        item,
        max_entries,
        max_bytes,
        broken,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        Just(Act::Text),
        Just(Act::List),
        Just(Act::Remove),
        Just(Act::Overdue),
        (0u8..2).prop_map(Act::RecordList)
    ];
    prop_oneof![
        12 => request().prop_map(Step::Accept),
        6 => commit(),
        4 => item().prop_map(|item| Step::Lapse { item }),
        1 => item().prop_map(|item| Step::Expire { item }),
        1 => (item(), 0u8..2).prop_map(|(item, key)| Step::LapseRecord { item, key }),
        1 => (item(), 0usize..3).prop_map(|(item, nth)| Step::Retry { item, nth }),
        2 => (item(), pick()).prop_map(|(item, pick)| Step::Ask { item, pick }),
        1 => (item(), 0usize..crate::entry::MALFORMED.len()).prop_map(|(item, kind)| Step::Malformed { item, kind }),
        1 => (item(), act).prop_map(|(item, act)| Step::Stranger { item, act }),
    ]
}

/// A sequence to try.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40)
}
