//! What a history says of each write, put together from all answers, and where they contradict.
//!
//! A write whose answer was lost may still be known: its value is unique, so a read that shows
//! the value shows that the write was applied, and at which revision.

use std::collections::HashMap;

use larder_protocol::{Partition, StreamId};

use super::operation::{Answer, Call, Change, Condition, Fate, History, Operation};

/// What an operation is known to have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: a read, or a write that was refused.
    None,
    /// It changed its item, at this revision.
    Applied(StreamId),
    /// It took its turn at this revision, and its condition failed.
    Rejected(StreamId),
    /// A write of which nobody knows.
    Maybe,
}

/// The effects of a history's operations, and the contradictions.
#[derive(Debug)]
pub struct Facts {
    /// By index into [`History::operations`].
    pub effects: Vec<Effect>,
    /// What contradicts what.
    pub violations: Vec<String>,
}

impl Facts {
    /// Puts the answers of a history together.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let mut facts = Self { effects: vec![], violations: vec![] };
        for operation in &history.operations {
            let effect = facts.told(operation, history);
            facts.effects.push(effect);
        }
        facts.learn_from_reads(history);
        facts.check_that_revisions_are_unique(history);
        facts
    }

    /// What the answer to an operation says of it.
    fn told(&mut self, operation: &Operation, history: &History) -> Effect {
        if let Answer::Surprise(_) = operation.answer {
            self.violations.push(format!("an answer that should not be: {operation}"));
        }
        let Call::Write { condition, .. } = operation.call else { return Effect::None };
        let Some(id) = operation.answer.acknowledged() else {
            let open = matches!(operation.answer, Answer::Unknown | Answer::Surprise(_));
            return if open { Effect::Maybe } else { Effect::None };
        };
        let fate = history.fates.get(&history.revision(operation.item, id)).copied();
        let may_fail = condition != Condition::Always && matches!(operation.answer, Answer::Accepted(_));
        match fate {
            Some(Fate::Rejected) if may_fail => return Effect::Rejected(id),
            Some(Fate::Applied) => {}
            _ => self.violations.push(format!("acknowledged, and in the end {fate:?}: {operation}")),
        }
        Effect::Applied(id)
    }

    fn learn_from_reads(&mut self, history: &History) {
        let mut writers = HashMap::new();
        for (index, operation) in history.operations.iter().enumerate() {
            if let Call::Write { change: Change::Put(value), .. } = operation.call {
                writers.insert(value, index);
            }
        }
        for read in history.operations.iter().chain(&history.last_reads) {
            let Answer::Found { revision, value } = read.answer else { continue };
            let writer = writers.get(&value).map(|&index| (index, &history.operations[index]));
            let Some((index, write)) = writer.filter(|(_, write)| write.item == read.item) else {
                self.violations.push(format!("nobody wrote this value to this item: {read}"));
                continue;
            };
            match self.effects[index] {
                Effect::Applied(known) if known == revision => {}
                Effect::Maybe => self.effects[index] = Effect::Applied(revision),
                other => self.violations.push(format!("a read contradicts its write, {other:?}: {write}; {read}")),
            }
        }
    }

    fn check_that_revisions_are_unique(&mut self, history: &History) {
        let mut owners: HashMap<(Partition, StreamId), &Operation> = HashMap::new();
        for (operation, effect) in history.operations.iter().zip(&self.effects) {
            let (Effect::Applied(id) | Effect::Rejected(id)) = effect else { continue };
            if let Some(other) = owners.insert((history.partition(operation.item), *id), operation) {
                self.violations.push(format!("two writes have the revision {id}: {other}; {operation}"));
            }
        }
    }
}
