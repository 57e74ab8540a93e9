//! The order of a history, as far as it can be told without a search: revisions are the order of
//! acceptance, and the order in which a partition is committed.

use std::collections::HashMap;

use larder_protocol::{Partition, StreamId};

use super::facts::{Effect, Facts};
use super::operation::{Answer, Call, Change, History, Operation};

/// Says where a history is out of order.
#[must_use]
pub fn violations(history: &History, facts: &Facts) -> Vec<String> {
    let mut violations = Vec::new();
    let acknowledgements = history.operations.iter().filter_map(|operation| {
        let id = operation.answer.acknowledged()?;
        Some((history.partition(operation.item), id, operation))
    });
    violations.extend(backward("accepted before a write that had been acknowledged", acknowledgements));

    // An item that is not there has no revision; the search sees to it.
    let reads = history.operations.iter().chain(&history.last_reads).filter_map(|operation| {
        let (Answer::Found { revision, .. } | Answer::Failed { current: Some(revision) }) = operation.answer else {
            return None;
        };
        Some((operation.item, revision, operation))
    });
    violations.extend(backward("it shows an older state than was seen before", reads));
    violations.extend(history.last_reads.iter().filter_map(|read| wrong_end(read, history, facts)));
    violations
}

/// Operations that were invoked after another completed, and have a lower revision than it in the
/// same domain: a partition for writes, an item for reads.
fn backward<'a, D: Copy + Eq + std::hash::Hash>(
    what: &str,
    marks: impl Iterator<Item = (D, StreamId, &'a Operation)>,
) -> Vec<String> {
    let mut by_invocation: Vec<_> = marks.collect();
    by_invocation.sort_unstable_by_key(|(_, _, operation)| operation.invocation);
    let mut by_completion = by_invocation.clone();
    by_completion.sort_unstable_by_key(|(_, _, operation)| operation.completion);
    let mut completed = by_completion.into_iter().peekable();
    let mut highest: HashMap<D, (StreamId, &Operation)> = HashMap::new();
    let mut found = Vec::new();
    for (domain, id, operation) in by_invocation {
        while let Some((domain, id, earlier)) = completed.next_if(|(_, _, o)| o.completion < operation.invocation) {
            let mark = highest.entry(domain).or_insert((id, earlier));
            if id > mark.0 {
                *mark = (id, earlier);
            }
        }
        if let Some((_, earlier)) = highest.get(&domain).filter(|(mark, _)| id < *mark) {
            found.push(format!("{what}: {operation}; {earlier}"));
        }
    }
    found
}

/// The end of an item is what its last write made of it: the last one that is known, or a later
/// one of those that nobody knows of.
fn wrong_end(read: &Operation, history: &History, facts: &Facts) -> Option<String> {
    let of_item = || history.operations.iter().zip(&facts.effects).filter(|(operation, _)| operation.item == read.item);
    let change = |operation: &Operation| match operation.call {
        Call::Write { change, .. } => Some(change),
        Call::Read { .. } => None,
    };
    let last = of_item()
        .filter_map(|(operation, effect)| match effect {
            Effect::Applied(id) => Some((*id, operation)),
            _ => None,
        })
        .max_by_key(|(id, _)| *id);
    let perhaps_deleted = of_item().any(|(o, effect)| *effect == Effect::Maybe && change(o) == Some(Change::Delete));
    let as_expected = match (&read.answer, last) {
        // A read makes its write known, so an unknown one cannot be what it found.
        (Answer::Found { revision, .. }, Some((id, write))) => *revision == id && change(write) != Some(Change::Delete),
        (Answer::Missing, Some((_, write))) => change(write) == Some(Change::Delete) || perhaps_deleted,
        (Answer::Missing, None) => true,
        _ => false,
    };
    let last = last.map_or_else(|| "no write".to_owned(), |(_, write)| write.to_string());
    (!as_expected).then(|| format!("the end of an item is not what its last write made of it: {read}; {last}"))
}

/// By when each write that is known to have taken its turn had done so, by index into
/// [`History::operations`]; `u64::MAX` for the others.
///
/// All had when everything was drained. Besides, a partition is committed in the order of revisions. So an answer that shows a revision to be
/// committed shows it of all lower ones in the partition, whichever item they are of.
#[must_use]
pub fn committed_by(history: &History, facts: &Facts) -> Vec<u64> {
    let mut evidence: HashMap<Partition, Vec<(StreamId, u64)>> = HashMap::new();
    for operation in &history.operations {
        let shown = match (&operation.answer, &operation.call) {
            (Answer::Found { revision, .. } | Answer::Applied { revision, .. }, _) => Some(*revision),
            (Answer::Failed { current }, _) => *current,
            _ => None,
        };
        let asked = match (&operation.answer, &operation.call) {
            (Answer::Found { .. } | Answer::Missing, Call::Read { at_least }) => *at_least,
            _ => None,
        };
        if let Some(shown) = shown.max(asked) {
            evidence.entry(history.partition(operation.item)).or_default().push((shown, operation.completion));
        }
    }
    for shown in evidence.values_mut() {
        shown.sort_unstable();
        let mut earliest = u64::MAX;
        for (_, completion) in shown.iter_mut().rev() {
            earliest = earliest.min(*completion);
            *completion = earliest;
        }
    }
    let drained = history.last_reads.iter().map(|read| read.invocation.saturating_sub(1)).min().unwrap_or(u64::MAX);
    let bound = |operation: &Operation, effect: &Effect| {
        let (Effect::Applied(id) | Effect::Rejected(id)) = effect else { return u64::MAX };
        let Some(shown) = evidence.get(&history.partition(operation.item)) else { return drained };
        shown.get(shown.partition_point(|(other, _)| other < id)).map_or(drained, |(_, by)| drained.min(*by))
    };
    history.operations.iter().zip(&facts.effects).map(|(operation, effect)| bound(operation, effect)).collect()
}
