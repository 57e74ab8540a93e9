//! One item as a register that writes set and conditions compare, for the [`super::checker`].
//!
//! Its states are revisions, of which each stands for one value: [`Facts`] has seen to that. All
//! writes of an item whose revision is known must take their turn in the order of revisions, so
//! only the next of them is ever possible. What is left to search for is where the reads and the
//! failed conditions belong, and which of the unknown writes took place.

use larder_protocol::StreamId;

use super::checker::{Interval, Model};
use super::facts::{Effect, Facts};
use super::operation::{Answer, Call, Change, Condition, History};

/// What an item holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Content {
    Nothing,
    /// What the write of this revision put there.
    Put(StreamId),
    /// What a write put there of which nobody knows the revision.
    Unknown,
}

/// An item between two operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    content: Content,
    /// How many of the known writes have taken their turn.
    turns: usize,
    /// No write below this can take its turn any more.
    floor: StreamId,
}

/// What an operation does and what was seen of it.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A read, which found this, at a moment when so many known writes had had their turn.
    See { content: Option<StreamId>, turns: usize },
    /// A condition failed, and the item was said to be so.
    Fail { condition: Condition, content: Option<StreamId> },
    /// The known write with this rank.
    Apply { rank: usize, change: Change, condition: Condition, existed: Option<bool> },
    /// The known write with this rank, whose condition failed.
    Reject { rank: usize, condition: Condition },
    /// A write of which nobody knows.
    Maybe { change: Change, condition: Condition },
}

/// The operations on one item, and what the item does.
#[derive(Debug)]
pub struct Item {
    steps: Vec<Step>,
    /// The revisions of the known writes, in order.
    turns: Vec<StreamId>,
    /// When each of the steps took place.
    pub intervals: Vec<Interval>,
    /// Which operation of [`History::operations`], or behind them of [`History::last_reads`],
    /// each step is.
    pub operations: Vec<usize>,
}

impl Item {
    /// The operations of a history on `item` that say something of it. `committed_by` is
    /// [`super::order::committed_by`].
    #[must_use]
    pub fn of(history: &History, facts: &Facts, committed_by: &[u64], item: usize) -> Self {
        let all = history.operations.iter().chain(&history.last_reads).enumerate();
        let mut own: Vec<_> = all.filter(|(_, operation)| operation.item == item).collect();
        own.sort_by_key(|(_, operation)| operation.invocation);
        let effect = |index: usize| facts.effects.get(index).copied().unwrap_or(Effect::None);
        let mut turns: Vec<_> = own
            .iter()
            .filter_map(|(index, _)| match effect(*index) {
                Effect::Applied(id) | Effect::Rejected(id) => Some(id),
                _ => None,
            })
            .collect();
        turns.sort_unstable();
        let up_to = |id: StreamId| turns.partition_point(|turn| *turn <= id);
        let rank = |id: StreamId| turns.partition_point(|turn| *turn < id);

        let (mut steps, mut intervals, mut operations) = (vec![], vec![], vec![]);
        for (index, operation) in own {
            let (invocation, mut completion) = (operation.invocation, operation.completion);
            let step = match (&operation.call, effect(index)) {
                (Call::Read { at_least }, _) => {
                    let content = match operation.answer {
                        Answer::Found { revision, .. } => Some(revision),
                        Answer::Missing => None,
                        _ => continue,
                    };
                    Step::See { content, turns: at_least.map_or(0, up_to) }
                }
                (&Call::Write { change, condition, .. }, Effect::Applied(id)) => {
                    let existed = match operation.answer {
                        Answer::Applied { existed, .. } => existed,
                        _ => None,
                    };
                    completion = committed_by[index];
                    Step::Apply { rank: rank(id), change, condition, existed }
                }
                (&Call::Write { condition, .. }, Effect::Rejected(id)) => {
                    completion = committed_by[index];
                    Step::Reject { rank: rank(id), condition }
                }
                (&Call::Write { change, condition, .. }, Effect::Maybe) => {
                    completion = u64::MAX;
                    Step::Maybe { change, condition }
                }
                (&Call::Write { condition, .. }, Effect::None) => match operation.answer {
                    Answer::Failed { current } => Step::Fail { condition, content: current },
                    _ => continue,
                },
            };
            intervals.push(Interval { invocation, completion, optional: matches!(step, Step::Maybe { .. }) });
            steps.push(step);
            operations.push(index);
        }
        Self { steps, turns, intervals, operations }
    }

    /// The state, where the item can be as it was seen. To see the revision of an unknown write
    /// makes it known; it lies between the turns before and after it.
    fn see(&self, state: &State, seen: Option<StreamId>) -> Option<State> {
        match (state.content, seen) {
            (Content::Nothing, None) => Some(state.clone()),
            (Content::Put(id), Some(seen)) if id == seen => Some(state.clone()),
            (Content::Unknown, Some(seen)) => {
                let fits = seen > state.floor && self.turns.get(state.turns).is_none_or(|next| seen < *next);
                fits.then_some(State { content: Content::Put(seen), floor: seen, ..*state })
            }
            _ => None,
        }
    }

    /// The state, where the condition holds in it.
    fn hold(&self, state: &State, condition: Condition) -> Option<State> {
        let there = state.content != Content::Nothing;
        match condition {
            Condition::Always => Some(state.clone()),
            Condition::Absent => (!there).then(|| state.clone()),
            Condition::Present => there.then(|| state.clone()),
            Condition::At(id) => self.see(state, Some(id)),
        }
    }

    /// The state after the known write with this rank had its turn.
    fn turn(&self, state: &State, rank: usize) -> Option<State> {
        let id = self.turns[rank];
        (state.turns == rank && id > state.floor).then_some(State { turns: rank + 1, floor: id, ..*state })
    }
}

impl Model for Item {
    type State = State;

    fn initial(&self) -> State {
        State { content: Content::Nothing, turns: 0, floor: StreamId { ms: 0, seq: 0 } }
    }

    fn step(&self, state: &State, operation: usize) -> Option<State> {
        match self.steps[operation] {
            Step::See { content, turns } => (state.turns >= turns).then(|| self.see(state, content))?,
            Step::Fail { condition, content } => {
                let failed = match condition {
                    Condition::Always => false,
                    Condition::Absent => content.is_some(),
                    Condition::Present => content.is_none(),
                    Condition::At(id) => content != Some(id),
                };
                failed.then(|| self.see(state, content))?
            }
            Step::Apply { rank, change, condition, existed } => {
                let there = state.content != Content::Nothing;
                if existed.is_some_and(|existed| existed != there) {
                    return None;
                }
                let state = self.turn(&self.hold(state, condition)?, rank)?;
                let content = match change {
                    Change::Put(_) => Content::Put(state.floor),
                    Change::Delete => Content::Nothing,
                };
                Some(State { content, ..state })
            }
            Step::Reject { rank, condition } => {
                // An unknown write may be the one that the condition names, or not.
                let open = state.content == Content::Unknown && matches!(condition, Condition::At(_));
                let fails = open || self.hold(state, condition).is_none();
                fails.then(|| self.turn(state, rank))?
            }
            Step::Maybe { change, condition } => {
                let state = self.hold(state, condition)?;
                let content = match change {
                    Change::Put(_) => Content::Unknown,
                    Change::Delete => Content::Nothing,
                };
                Some(State { content, ..state })
            }
        }
    }
}
