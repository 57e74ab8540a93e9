//! Histories that no sound store can make, each of which the check must refuse; beside them, the
//! sound ones that differ least, which it must pass.

use larder_protocol::{ItemId, Partition, Revision, StreamId};
use larder_tests::history::{Answer, Call, Change, Condition, Fate, History, Operation, Told, check, check_feed};

/// A read that is not told a least revision.
const READ: Call = Call::Read { at_least: None };

fn at(ms: u64) -> StreamId {
    StreamId { ms, seq: 0 }
}

fn put(value: u64, condition: Condition) -> Call {
    Call::Write { change: Change::Put(value), condition, wait: true }
}

fn delete() -> Call {
    Call::Write { change: Change::Delete, condition: Condition::Always, wait: true }
}

fn created(ms: u64) -> Answer {
    Answer::Applied { revision: at(ms), existed: Some(false) }
}

fn replaced(ms: u64) -> Answer {
    Answer::Applied { revision: at(ms), existed: Some(true) }
}

fn deleted(ms: u64) -> Answer {
    Answer::Applied { revision: at(ms), existed: None }
}

fn found(value: u64, ms: u64) -> Answer {
    Answer::Found { revision: at(ms), value }
}

fn failed(ms: u64) -> Answer {
    Answer::Failed { current: Some(at(ms)) }
}

/// A history of one item, of `(invocation, completion, call, answer)`, at whose end `last` is
/// read. Every acknowledged write is said to be applied.
fn history(operations: &[(u64, u64, Call, Answer)], last: Answer) -> History {
    let operation = |(client, (invocation, completion, call, answer)): (usize, &(u64, u64, Call, Answer))| Operation {
        client,
        item: 0,
        call: call.clone(),
        answer: answer.clone(),
        invocation: *invocation,
        completion: *completion,
    };
    let mut history = History {
        items: vec![ItemId::new("a").expect("it is an id")],
        operations: operations.iter().enumerate().map(operation).collect(),
        last_reads: vec![operation((99, &(1_000, 1_001, READ, last)))],
        ..History::default()
    };
    let acknowledged = history.operations.iter().filter_map(|operation| operation.answer.acknowledged());
    history.fates = acknowledged.map(|id| (history.revision(0, id), Fate::Applied)).collect();
    history
}

/// Checks that the history is refused, and that one of the complaints says this.
fn assert_refused(history: &History, complaint: &str) {
    let report = check(history);
    assert!(report.complaint().contains(complaint), "{}", report.complaint());
}

fn assert_sound(history: &History) {
    let report = check(history);
    assert!(report.violations.is_empty(), "{}", report.complaint());
}

const SEARCH: &str = "is not linearizable";

#[test]
fn a_lost_write_is_refused() {
    let two = [(0, 10, put(1, Condition::Always), created(5)), (20, 30, put(2, Condition::Always), replaced(6))];
    assert_sound(&history(&two, found(2, 6)));
    assert_refused(&history(&two, found(1, 5)), SEARCH);
    assert_refused(&history(&two, found(1, 5)), "the end of an item");
    assert_refused(&history(&two, Answer::Missing), SEARCH);

    // Nobody waited for it, and a later read does not show it, nor anything above it: only the end tells.
    let late = [(0, 10, put(1, Condition::Always), Answer::Accepted(at(5))), (20, 30, READ, Answer::Missing)];
    assert_sound(&history(&late, found(1, 5)));
    assert_refused(&history(&late, Answer::Missing), SEARCH);
}

#[test]
fn a_write_that_the_store_forgot_or_rejected_without_reason_is_refused() {
    let mut forgotten = history(&[(0, 10, put(1, Condition::Always), Answer::Accepted(at(5)))], found(1, 5));
    let revision = forgotten.revision(0, at(5));
    for fate in [Fate::Lost, Fate::Rejected] {
        forgotten.fates.insert(revision, fate);
        assert_refused(&forgotten, "acknowledged, and in the end");
    }
}

#[test]
fn a_stale_read_after_a_completed_wait_is_refused() {
    let read = |from| {
        let write = (20, 30, put(2, Condition::Always), replaced(6));
        history(&[(0, 10, put(1, Condition::Always), created(5)), write, (from, 50, READ, found(1, 5))], found(2, 6))
    };
    assert_sound(&read(25));
    assert_refused(&read(35), SEARCH);
}

#[test]
fn a_read_that_goes_back_is_refused() {
    let reads = |first: Answer, second: Answer| {
        let write = (20, 100, put(2, Condition::Always), replaced(6));
        let reads = [(30, 40, READ, first), (50, 60, READ, second)];
        let [first, second] = reads;
        history(&[(0, 10, put(1, Condition::Always), created(5)), write, first, second], found(2, 6))
    };
    assert_sound(&reads(found(1, 5), found(2, 6)));
    assert_refused(&reads(found(2, 6), found(1, 5)), SEARCH);
    assert_refused(&reads(found(2, 6), found(1, 5)), "older state than was seen before");
}

#[test]
fn a_read_below_its_least_revision_is_refused() {
    let read = |at_least| {
        let read = (20, 30, Call::Read { at_least: Some(at_least) }, found(1, 5));
        let writes =
            [(0, 1, put(1, Condition::Always), created(5)), (2, 3, put(2, Condition::Always), Answer::Accepted(at(6)))];
        let [first, second] = writes;
        history(&[first, second, read], found(2, 6))
    };
    assert_sound(&read(at(5)));
    assert_refused(&read(at(6)), SEARCH);
}

#[test]
fn two_creations_without_a_deletion_between_are_refused() {
    let create = |ms: u64| (0, 100, put(ms, Condition::Absent), created(ms));
    assert_refused(&history(&[create(5), create(7)], found(7, 7)), SEARCH);
    assert_sound(&history(&[create(5), (0, 100, delete(), deleted(6)), create(7)], found(7, 7)));
    // A deletion of which nobody knows is an explanation too, unless it came too late.
    assert_sound(&history(&[create(5), (0, 10, delete(), Answer::Unknown), create(7)], found(7, 7)));
    assert_refused(&history(&[create(5), (101, 110, delete(), Answer::Unknown), create(7)], found(7, 7)), SEARCH);
    assert_refused(&history(&[create(5), (0, 10, delete(), Answer::Refused), create(7)], found(7, 7)), SEARCH);
}

#[test]
fn two_writes_that_replaced_the_same_state_are_refused() {
    let swap = |ms: u64, on: u64| (20, 30, put(ms, Condition::At(at(on))), replaced(ms));
    let first = (0, 10, put(5, Condition::Always), created(5));
    assert_sound(&history(&[first.clone(), swap(6, 5), swap(7, 6)], found(7, 7)));
    assert_refused(&history(&[first, swap(6, 5), swap(7, 5)], found(7, 7)), SEARCH);
}

#[test]
fn a_condition_that_failed_though_it_held_is_refused() {
    let first = (0, 10, put(1, Condition::Always), created(5));
    let refused = |on: u64, current: u64| (20, 30, put(2, Condition::At(at(on))), failed(current));
    assert_sound(&history(&[first.clone(), refused(4, 5)], found(1, 5)));
    assert_refused(&history(&[first.clone(), refused(5, 5)], found(1, 5)), SEARCH);
    // Somebody else's write, of which nobody knows, may be what it met; but only where there is one.
    assert_refused(&history(&[first.clone(), refused(5, 6)], found(1, 5)), SEARCH);
    let unknown = (11, 12, put(3, Condition::Always), Answer::Unknown);
    let gone = [first, unknown, refused(5, 6), (40, 50, delete(), deleted(9))];
    assert_sound(&history(&gone, Answer::Missing));
}

#[test]
fn swapped_writes_are_refused() {
    let swapped = |first: u64, second: u64| {
        let write = |from, value, ms| (from, from + 5, put(value, Condition::Always), Answer::Accepted(at(ms)));
        history(
            &[write(0, 1, first), write(10, 2, second)],
            if first < second { found(2, second) } else { found(1, first) },
        )
    };
    assert_sound(&swapped(5, 6));
    assert_refused(&swapped(6, 5), "accepted before a write that had been acknowledged");

    // Accepted in order, and applied the other way round.
    let writes = [(0, 100, put(1, Condition::Always), created(5)), (0, 100, put(2, Condition::Always), replaced(6))];
    assert_refused(&history(&writes, found(1, 5)), SEARCH);
    let [mut first, mut second] = writes;
    (first.3, second.3) = (replaced(5), created(6));
    assert_refused(&history(&[first, second], found(2, 6)), SEARCH);
}

#[test]
fn order_holds_across_the_items_of_a_partition() {
    // A write to another item waited, so what was accepted before it was applied before it.
    let two = |from| {
        let writes = [
            (0, 10, put(1, Condition::Always), Answer::Accepted(at(5))),
            (20, 30, put(2, Condition::Always), created(6)),
            (from, 50, READ, Answer::Missing),
        ];
        let mut history = history(&writes, found(1, 5));
        let partition = history.partition(0);
        let mut others = (0..1_000).map(|n| ItemId::new(format!("a{n}")).expect("it is an id"));
        history.items.push(others.find(|id| Partition::of(id) == partition).expect("one in 64 is"));
        history.operations[1].item = 1;
        let mut last = history.last_reads[0].clone();
        (last.item, last.answer) = (1, found(2, 6));
        history.last_reads.push(last);
        history
    };
    assert_sound(&two(25));
    assert_refused(&two(35), SEARCH);
}

#[test]
fn an_unknown_write_that_is_seen_happened_once() {
    let unknown = (0, 10, put(1, Condition::Always), Answer::Unknown);
    assert_sound(&history(std::slice::from_ref(&unknown), Answer::Missing));
    assert_sound(&history(std::slice::from_ref(&unknown), found(1, 5)));
    let again = [unknown, (20, 30, READ, found(1, 5))];
    assert_refused(&history(&again, found(1, 6)), "a read contradicts its write");
    assert_refused(&history(&[(0, 10, put(1, Condition::Always), Answer::Refused)], found(1, 5)), "contradicts");
    assert_refused(&history(&[], found(1, 5)), "nobody wrote this value");
}

/// Two puts and a removal of one item that went well, and what is told of them.
fn fed() -> (History, Vec<Told>) {
    let id = ItemId::new("a").expect("a valid id");
    let partition = Partition::of(&id);
    let revision = |ms| Revision { partition, id: StreamId { ms, seq: 0 } };
    let write = |ms, change| Operation {
        client: 0,
        item: 0,
        call: Call::Write { change, condition: Condition::Always, wait: false },
        answer: Answer::Accepted(StreamId { ms, seq: 0 }),
        invocation: ms,
        completion: ms,
    };
    let end = Operation {
        call: Call::Read { at_least: None },
        answer: Answer::Found { revision: StreamId { ms: 3, seq: 0 }, value: 3 },
        ..write(4, Change::Delete)
    };
    let history = History {
        operations: vec![write(1, Change::Put(1)), write(2, Change::Delete), write(3, Change::Put(3))],
        fates: (1..4).map(|ms| (revision(ms), Fate::Applied)).collect(),
        last_reads: vec![end],
        items: vec![id],
    };
    let told = |ms, is_put| Told { id: "a".to_owned(), is_put, revision: revision(ms) };
    (history, vec![told(1, true), told(2, false), told(3, true)])
}

#[test]
fn a_feed_that_misses_invents_repeats_or_swaps_is_found_out() {
    let (history, told) = fed();
    assert_eq!(check_feed(&history, &told), [""; 0]);
    for missing in 0..told.len() {
        let mut told = told.clone();
        told.remove(missing);
        assert_ne!(check_feed(&history, &told), [""; 0], "{missing} is missing");
        let mut told = fed().1;
        told.insert(missing, told[missing].clone());
        assert_ne!(check_feed(&history, &told), [""; 0], "{missing} is there twice");
        let mut told = fed().1;
        told.swap(missing, (missing + 1) % 3);
        assert_ne!(check_feed(&history, &told), [""; 0], "{missing} is in another place");
        let (mut history, told) = fed();
        history.fates.insert(told[missing].revision, Fate::Rejected);
        assert_ne!(check_feed(&history, &told), [""; 0], "{missing} was not applied");
    }
}
