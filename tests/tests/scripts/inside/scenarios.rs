//! In what state each script is run, and what it promises there. Together they come to each call of Redis in each script.

use std::time::Duration;

use larder_protocol::call::{self, Listing};
use larder_protocol::limits::{COMMIT_MAX_BYTES, DEFAULT_CHANGES_KEPT};
use larder_protocol::token::{Limit, Name};
use larder_protocol::{
    Call, Condition, Content, ItemId, Operation, Partition, Revision, Revisions, StreamId, Write, keys,
};
use larder_tests::RedisAlone;
use redis::Value;

/// What a script promises where a call inside it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Where it fails it has changed nothing; else all.
    AllOrNothing,
    /// The same for each of several writes; it says of which.
    Each,
    /// Run again, it completes what it began.
    Repeatable,
    /// It changes nothing.
    ReadsOnly,
}

/// A script in a state.
pub struct Scenario {
    pub name: &'static str,
    pub call: Call,
    pub promise: Promise,
    steps: Vec<Step>,
}

/// What makes a state.
#[derive(Clone)]
enum Step {
    Run(Call),
    Words(Vec<String>),
}

impl Scenario {
    /// Makes the state, and nothing else.
    pub async fn set_up(&self, redis: &RedisAlone) -> anyhow::Result<()> {
        redis.command::<()>(&["FLUSHALL"]).await?;
        play(redis, &self.steps).await
    }
}

async fn play(redis: &RedisAlone, steps: &[Step]) -> anyhow::Result<()> {
    for step in steps {
        match step {
            Step::Run(call) => _ = redis.run::<Value>(call).await?,
            Step::Words(words) => {
                let words: Vec<_> = words.iter().map(String::as_str).collect();
                redis.command::<Value>(&words).await?;
            }
        }
    }
    Ok(())
}

fn words(words: &[&str]) -> Step {
    Step::Words(words.iter().map(ToString::to_string).collect())
}

/// Ids of one partition.
fn ids() -> [ItemId; 4] {
    let p = Partition::FIRST;
    let ids = (0..).map(|n: u32| ItemId::new(n.to_string()).expect("a number is an id"));
    let mut ids = ids.filter(|id| Partition::of(id) == p);
    [(); 4].map(|()| ids.next().expect("there are many"))
}

const P: Partition = Partition::FIRST;
const LATER: StreamId = StreamId { ms: 9_000_000_000_000, seq: 0 };
const EARLY: StreamId = StreamId { ms: 5, seq: 0 };

fn put(value: &str) -> Write {
    put_for(value, None)
}

fn put_for(value: &str, ttl: Option<Duration>) -> Write {
    Operation::Put { content: Content::new(Some("text/plain"), value.into()).expect("it is a type"), ttl }.into()
}

fn increment() -> Write {
    Operation::Increment { by: 2, ttl: None }.into()
}

fn if_match(write: Write) -> Write {
    Write { condition: Condition { if_match: Some(Revisions::Any), if_none_match: None }, ..write }
}

fn waiting(write: Write) -> Write {
    Write { wait: Some(Duration::from_secs(60)), ..write }
}

fn keyed(id: &ItemId, write: Write) -> Write {
    Write { idempotency: Some(keys::idempotency(id, "", "k")), ..write }
}

fn accept(id: &ItemId, write: &Write) -> Call {
    call::accept(id, write, "digest", 1_000, true)
}

fn commit() -> Call {
    call::commit(P, 128, COMMIT_MAX_BYTES, DEFAULT_CHANGES_KEPT)
}

/// An entry of the channel as it is, under this ID.
fn entry(at: StreamId, fields: &[&str]) -> Step {
    words(&[&["XADD", &keys::writes(P), &at.to_string()], fields].concat())
}

const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

/// All of them.
pub fn scenarios() -> anyhow::Result<Vec<Scenario>> {
    let mut all = accepting()?;
    all.extend(committing());
    all.extend(keeping()?);
    all.extend(reading());
    Ok(all)
}

fn accepting() -> anyhow::Result<Vec<Scenario>> {
    let [a, b, ..] = ids();
    let (writes, terms) = (keys::writes(P), keys::terms(P));
    let there = || vec![Step::Run(accept(&a, &put("x"))), Step::Run(commit())];
    let pending = || vec![Step::Run(accept(&a, &put("x")))];
    let key = keyed(&a, put("x"));
    let sent = || vec![Step::Run(accept(&a, &key))];
    let in_term = || vec![Step::Run(call::start_terms(P))];
    let another_term = |ended: &str| {
        vec![Step::Run(accept(&a, &put("x"))), words(&["HSET", &terms, "current", "7", "3", ended, "format", "1"])]
    };
    let ahead = |seq: &str| {
        let at = format!("{}-{seq}", LATER.ms);
        vec![Step::Run(call::start_terms(P)), words(&["XADD", &writes, &at, "op", "barrier", "id", a.as_str()])]
    };
    let many = |writes: &[(&ItemId, &Write)]| {
        call::accept_many(P, writes.iter().map(|(id, write)| (*id, *write, "digest")).collect::<Vec<_>>(), 1_000, true)
    };
    let delete = Write::from(Operation::Delete);
    let large = put(&"x".repeat(20_000));
    let retry = |dead: &[&str]| vec![words(&[&["XADD", &keys::dead(P), &EARLY.to_string()], dead].concat())];
    let scenario = |name, steps, call| Scenario { name, steps, call, promise: Promise::AllOrNothing };
    let each = |name, steps, call| Scenario { name, steps, call, promise: Promise::Each };
    Ok(vec![
        scenario("a put", vec![], accept(&a, &put("x"))),
        scenario("a large put behind another", pending(), accept(&a, &large)),
        scenario("a delete", there(), accept(&a, &delete)),
        scenario("the first with a key", vec![], accept(&a, &key)),
        scenario("a repeat", sent(), accept(&a, &key)),
        scenario("a key that is used again", sent(), call::accept(&a, &key, "another", 1_000, true)),
        scenario("a condition that holds", there(), accept(&a, &if_match(put("y")))),
        scenario("a condition that does not hold", vec![], accept(&a, &if_match(put("y")))),
        scenario("a full channel", pending(), call::accept(&a, &put("y"), "", 1, true)),
        scenario("a store with terms", in_term(), accept(&a, &key)),
        scenario("a new term", another_term("5-0"), accept(&a, &key)),
        scenario(
            "a new term of a channel that was emptied",
            [there(), another_term("5-0"), vec![Step::Run(commit())]].concat(),
            accept(&a, &put("x")),
        ),
        scenario("a clock that is behind", ahead("9"), accept(&a, &key)),
        each("many", vec![], many(&[(&a, &key), (&b, &large), (&a, &if_match(put("y")))])),
        each("many removals", there(), many(&[(&a, &delete), (&b, &if_match(delete.clone()))])),
        each("many with terms", another_term("5-0"), many(&[(&a, &put("x")), (&a, &keyed(&a, put("z")))])),
        each("many repeats", sent(), many(&[(&a, &key), (&b, &put("x"))])),
        scenario("no record", vec![], call::recall(&a, &keys::idempotency(&a, "", "k"), "digest")),
        scenario("a record", sent(), call::recall(&a, &keys::idempotency(&a, "", "k"), "digest")),
        scenario(
            "a letter",
            retry(&["revision", "4-0", "reason", "r", "op", "delete", "id", a.as_str(), "wait", "5"]),
            call::retry(P, EARLY),
        ),
        scenario(
            "a letter, with terms",
            [retry(&["op", "delete", "id", "a"]), another_term("5-0")].concat(),
            call::retry(P, EARLY),
        ),
        scenario(
            "a letter with nothing to put back",
            retry(&["revision", "4-0", "reason", "r"]),
            call::retry(P, EARLY),
        ),
        scenario("no letter", vec![], call::retry(P, EARLY)),
    ])
}

fn committing() -> Vec<Scenario> {
    let [a, b, c, d] = ids();
    let scenario = |name, steps, call| Scenario { name, steps, call, promise: Promise::Repeatable };
    let accepted =
        |writes: &[(&ItemId, Write)]| writes.iter().map(|(id, write)| Step::Run(accept(id, write))).collect::<Vec<_>>();
    let there = |writes: &[(&ItemId, Write)]| [accepted(writes), vec![Step::Run(commit())]].concat();
    let replace =
        || Write::from(Operation::Replace { content: Content::new(None, b"r".to_vec()).expect("it is small") });
    let delete = || Write::from(Operation::Delete);
    let expiring =
        || [there(&[(&a, put_for("x", HOUR)), (&b, put("y"))]), vec![words(&["DEL", &keys::item(&c)])]].concat();
    let everything = accepted(&[
        (&a, keyed(&a, waiting(put("1")))),
        (&a, increment()),
        (&a, put_for("2", HOUR)),
        (&b, put(&"x".repeat(20_000))),
        (&b, replace()),
        (&b, waiting(increment())),
        (&a, increment()),
        (&a, keyed(&b, if_match(delete()))),
        (&a, if_match(put("y"))),
        (&c, delete()),
        (&d, Operation::Barrier.into()),
    ]);
    let dead = vec![
        entry(StreamId { ms: 1, seq: 0 }, &["op", "nonsense", "id", a.as_str(), "wait", "99999999999999"]),
        entry(StreamId { ms: 2, seq: 0 }, &["op", "delete", "id", a.as_str()]),
        words(&["LPUSH", &keys::item(&b), "a list"]),
        entry(StreamId { ms: 3, seq: 0 }, &["op", "delete", "id", b.as_str(), "wait", "99999999999999"]),
        entry(StreamId { ms: 4, seq: 0 }, &["op", "increment", "id", c.as_str(), "ttl", "keep", "by", "1"]),
    ];
    let over = [
        there(&[(&a, put("x")), (&b, put_for("y", HOUR))]),
        vec![
            words(&["DEL", &keys::writes(P)]),
            entry(EARLY, &["op", "put", "id", a.as_str(), "ttl", "1", "item", "text/plain\n\nz"]),
        ],
    ]
    .concat();
    let ended =
        [expiring(), vec![words(&["DEL", &keys::item(&a)])], accepted(&[(&a, put("again")), (&a, delete())])].concat();
    vec![
        scenario("everything", everything.clone(), commit()),
        scenario("everything, where some has a time to live", [expiring(), everything.clone()].concat(), commit()),
        scenario("everything, a few at a time", everything.clone(), call::commit(P, 3, COMMIT_MAX_BYTES, 100)),
        scenario(
            "everything, with terms",
            [vec![Step::Run(call::start_terms(P))], everything.clone()].concat(),
            commit(),
        ),
        scenario(
            "everything, without a feed",
            [there(&[(&a, put("x"))]), everything].concat(),
            call::commit(P, 128, COMMIT_MAX_BYTES, 0),
        ),
        scenario("dead letters", dead, commit()),
        scenario("a time to live that is over", over, commit()),
        scenario("an expiry that nobody has told", ended, commit()),
    ]
}

fn keeping() -> anyhow::Result<Vec<Scenario>> {
    let [a, b, ..] = ids();
    let scenario = |name, steps, call, promise| Scenario { name, steps, call, promise };
    let there = |id: &ItemId, ttl| vec![Step::Run(accept(id, &put_for("x", ttl))), Step::Run(commit())];
    let due = || {
        [
            there(&a, HOUR),
            there(&b, HOUR),
            vec![
                words(&["DEL", &keys::item(&a)]),
                words(&["ZADD", &keys::expiry(P), "1", a.as_str(), "2", b.as_str()]),
                words(&["XADD", &keys::rejected(P), "5-0", "outcome", "rejected -", "id", "a"]),
            ],
        ]
        .concat()
    };
    let unlimited = || [due(), vec![words(&["PERSIST", &keys::item(&b)])]].concat();
    let name: Name = "ci".parse()?;
    let limit = Limit { rate: 1.try_into()?, burst: 1.try_into()? };
    let waiting = waiting(put("x"));
    let told = || vec![Step::Run(accept(&a, &waiting)), Step::Run(commit())];
    let (repeatable, once) = (Promise::Repeatable, Promise::AllOrNothing);
    let follow = |most| call::follow("me", most, Duration::from_secs(60));
    Ok(vec![
        scenario("what is due", due(), call::expire(P, DEFAULT_CHANGES_KEPT), repeatable),
        scenario("what is due and has no end", unlimited(), call::expire(P, 0), repeatable),
        scenario(
            "what is due, with terms",
            [vec![Step::Run(call::start_terms(P))], due()].concat(),
            call::expire(P, DEFAULT_CHANGES_KEPT),
            repeatable,
        ),
        scenario("the first place", vec![], follow(1), repeatable),
        scenario(
            "no place",
            vec![Step::Run(call::follow("another", 1, Duration::from_secs(60)))],
            follow(1),
            repeatable,
        ),
        scenario("outcomes", told(), call::take_outcomes(P, [EARLY]), repeatable),
        scenario(
            "the first worker",
            vec![words(&["ZADD", &keys::workers(P), "5", "dead"])],
            call::heartbeat(P, "w"),
            repeatable,
        ),
        scenario("the first request", vec![], call::rate(&name, limit), once),
        scenario("a request too many", vec![Step::Run(call::rate(&name, limit))], call::rate(&name, limit), once),
        scenario("no terms", there(&a, None), call::start_terms(P), repeatable),
        scenario(
            "no terms, and something waits",
            vec![Step::Run(accept(&a, &put(&"x".repeat(20_000))))],
            call::start_terms(P),
            repeatable,
        ),
        scenario(
            "terms",
            vec![Step::Run(call::start_terms(P)), words(&["HSET", &keys::terms(P), "3", "5-0"])],
            call::start_terms(P),
            repeatable,
        ),
        scenario(
            "old terms",
            vec![Step::Run(accept(&a, &put("x"))), words(&["HSET", &keys::terms(P), "3", "5-0"])],
            call::start_terms(P),
            repeatable,
        ),
        scenario("no data", vec![], call::say_format(P), repeatable),
        scenario("data", there(&a, None), call::say_format(P), repeatable),
    ])
}

fn reading() -> Vec<Scenario> {
    let [a, b, c, d] = ids();
    let scenario = |name, steps, call| Scenario { name, steps, call, promise: Promise::ReadsOnly };
    let empty = || vec![];
    let at = |id| Revision { partition: P, id };
    let heads = |heads| Listing { prefix: "", after: b"", delimiter: "", max_told: 10, max_ids: 10, heads };
    let there = || {
        vec![
            Step::Run(accept(&a, &put("x"))),
            Step::Run(accept(&b, &put_for("x", HOUR))),
            Step::Run(commit()),
            words(&["ZADD", &keys::expiry(P), "1", b.as_str()]),
            words(&["SET", &keys::item(&c), &"no item ".repeat(100)]),
            words(&["ZADD", &keys::index(P), "0", c.as_str()]),
        ]
    };
    let waits = || {
        vec![
            entry(EARLY, &["op", "put", "id", a.as_str(), "ttl", "-", "item", "x"]),
            words(&["XADD", &keys::writes(P), "6-0", "op", "put", "id", a.as_str(), "ttl", "-", "item", "y"]),
            words(&["XADD", &keys::large(P), "6-0", "id", a.as_str()]),
        ]
    };
    let small = || vec![entry(EARLY, &["op", "delete", "id", a.as_str()])];
    let was = |more: &[Step]| {
        [
            waits(),
            vec![words(&["XTRIM", &keys::writes(P), "MAXLEN", "0"]), words(&["DEL", &keys::large(P)])],
            more.to_vec(),
        ]
        .concat()
    };
    let terms = |current: &str| words(&["HSET", &keys::terms(P), "current", current, "0", "5-0"]);
    let rejected = words(&["XADD", &keys::rejected(P), "5-0", "outcome", "rejected -", "id", a.as_str()]);
    let young = [entry(LATER, &["op", "delete", "id", "a"]), words(&["XTRIM", &keys::writes(P), "MAXLEN", "0"])];
    let all = [&a, &b, &c, &d];
    vec![
        scenario("no feed", empty(), call::feed(&[P])),
        scenario("a feed", there(), call::feed(&[P])),
        scenario("news of a feed", there(), call::news(&[(P, StreamId::ZERO)])),
        scenario("no news", empty(), call::news(&[(P, EARLY)])),
        scenario("changes", there(), call::changes(P, StreamId::ZERO, "", 10)),
        scenario("changes that are gone", empty(), call::changes(P, EARLY, "", 10)),
        scenario("heads", there(), call::read_heads(P, &all)),
        scenario("items", there(), call::read_many(P, &all, 1_000)),
        scenario("a list", there(), call::list(P, &heads(false))),
        scenario("a list with heads", there(), call::list(P, &heads(true))),
        scenario("no workers", empty(), call::live_workers(P)),
        scenario("no lag", empty(), call::lag(P)),
        scenario("a lag", waits(), call::lag(P)),
        scenario("an empty partition", empty(), call::look(P)),
        scenario("a partition", small(), call::look(P)),
        scenario("a partition with large values", waits(), call::look(P)),
        scenario("pending", small(), call::outcome(at(EARLY), Some(&a))),
        scenario("pending and large", waits(), call::outcome(at(StreamId { ms: 6, seq: 0 }), Some(&a))),
        scenario("rejected", was(&[rejected]), call::outcome(at(EARLY), Some(&a))),
        scenario("gone", was(&[]), call::outcome(at(EARLY), None)),
        scenario("unknown", empty(), call::outcome(at(EARLY), None)),
        scenario("applied", young.to_vec(), call::outcome(at(LATER), None)),
        scenario("applied, with terms", [young.to_vec(), vec![terms("7")]].concat(), call::outcome(at(LATER), None)),
        scenario("a read of what is there", there(), call::read_after(&a, StreamId::ZERO)),
        scenario("a read of what waits", waits(), call::read_after(&a, EARLY)),
        scenario("a read with terms", was(&[terms("7")]), call::read_after(&a, EARLY)),
        scenario(
            "a read of a forgotten term",
            was(&[terms("7"), words(&["HDEL", &keys::terms(P), "0"])]),
            call::read_after(&a, EARLY),
        ),
        scenario("the masters", empty(), call::locate()),
    ]
}

/// Calls of scripts where large values wait that they do not need.
pub async fn beside_large_values(redis: &RedisAlone) -> anyhow::Result<Vec<Call>> {
    let [a, b, ..] = ids();
    let large = put(&"x".repeat(200_000));
    let mut steps = vec![Step::Run(call::start_terms(P)), Step::Run(accept(&b, &put("small")))];
    steps.extend([&large; 3].map(|write| Step::Run(accept(&a, write))));
    play(redis, &steps).await?;
    let waiting: Vec<String> = redis
        .command::<Vec<(String, Value)>>(&["XRANGE", &keys::writes(P), "-", "+"])
        .await?
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let mut calls = vec![];
    for id in &waiting {
        let id = id.parse()?;
        calls.push(call::outcome(Revision { partition: P, id }, Some(&a)));
        calls.push(call::read_after(&b, id));
    }
    let many: Vec<_> = [&b; 5].map(|id| Step::Run(accept(id, &put("small")))).to_vec();
    play(redis, &many).await?;
    calls.extend([call::look(P), call::lag(P), accept(&b, &put("small")), call::start_terms(P), call::expire(P, 100)]);
    // It takes the first, which is small, and leaves the others.
    calls.push(call::commit(P, 1, COMMIT_MAX_BYTES, 100));
    Ok(calls)
}
