//! What the property has found, as it printed it: each was a fault of a script once.

use crate::run::Run;
use crate::step::{Act, Broken, Change, Pick, Request, States, Step, Ttl};
use crate::{Bench, entry};

fn put(bytes: usize) -> Request {
    let change = Change::Put { bytes, ttl: Ttl::None };
    Request {
        item: 1,
        change,
        if_match: None,
        if_none_match: None,
        wait: true,
        key: None,
        max_pending: 10,
        among_many: false,
    }
}

fn commit(max_bytes: usize, broken: Option<Broken>) -> Step {
    Step::Commit { item: 1, max_entries: 128, max_bytes, broken }
}

fn holds(steps: &[Step]) -> anyhow::Result<()> {
    let bench = Bench::start()?;
    bench.runtime.block_on(Run::all(&bench.redis, None, steps))
}

/// It was told as replaced.
#[test]
fn a_put_that_is_tried_again_has_still_created_its_item() -> anyhow::Result<()> {
    let broken = commit(1_000, Some(Broken::Index));
    holds(&[Step::Accept(put(1)), broken, commit(1_000, None)])
}

/// It was rejected, and had removed the item.
#[test]
fn a_conditional_delete_that_is_tried_again_is_judged_the_same() -> anyhow::Result<()> {
    let delete = Request { change: Change::Delete, if_match: Some(States::Any), ..put(1) };
    for broken in [Broken::Index, Broken::Expiry, Broken::Changes] {
        let (all, broken) = (commit(1_000, None), commit(1_000, Some(broken)));
        holds(&[Step::Accept(put(1)), all.clone(), Step::Accept(delete.clone()), broken, all])?;
    }
    Ok(())
}

/// Its outcome was one that nothing could read.
#[test]
fn a_conditional_write_to_a_stranger_s_string_has_an_outcome() -> anyhow::Result<()> {
    let new = Request { if_none_match: Some(States::Any), key: Some((0, 0)), ..put(1) };
    let (stranger, ask) = (Step::Stranger { item: 1, act: Act::Text }, Step::Ask { item: 1, pick: Pick::Seen(0) });
    holds(&[stranger, Step::Accept(new), commit(1_000, None), ask])
}

/// A chunk was applied whole, whatever its entries held.
#[test]
fn a_large_value_behind_small_ones_ends_the_call() -> anyhow::Result<()> {
    holds(&[Step::Accept(put(1)), Step::Accept(put(40)), Step::Accept(put(1)), commit(41, None)])
}

/// It stayed at the head for ever.
#[test]
fn a_ttl_beyond_all_numbers_is_buried() -> anyhow::Result<()> {
    let kind = entry::MALFORMED.iter().position(|(fields, _)| fields.contains("9999")).expect("it is one of them");
    holds(&[Step::Malformed { item: 1, kind }, commit(1_000, None)])
}

/// It held the outcome of the write before.
#[test]
fn a_record_that_was_made_again_is_the_later_write_s() -> anyhow::Result<()> {
    let write = Step::Accept(Request { key: Some((0, 0)), ..put(1) });
    let lapse = Step::LapseRecord { item: 1, key: 0 };
    holds(&[write.clone(), lapse, write.clone(), commit(1_000, None), write])
}

/// The write stayed at the head for ever.
#[test]
fn a_record_of_another_type_stops_nothing() -> anyhow::Result<()> {
    let write = Step::Accept(Request { key: Some((0, 0)), ..put(1) });
    let stranger = Step::Stranger { item: 1, act: Act::RecordList(0) };
    holds(&[write, stranger, commit(1_000, None)])
}
