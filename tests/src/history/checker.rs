//! Is there an order of operations that a sequential model allows and real time allows?
//!
//! The search of Wing & Gong (1993) with the memory of Lowe (2017), as Knossos and Porcupine have
//! it: take any operation that could be next, step the model, go on; where none fits, take back
//! the last. A configuration (which operations are taken, and the state) is searched once.
//!
//! Of the crates, stateright's tester has no memory and todc-utils' WGLChecker answers only yes or
//! no, without a bound; neither has what keeps this one fast after many faults:
//! - A write with an unknown outcome may be taken or left. It is taken only right before an
//!   operation that is impossible without it. Nothing is missed: in any order that explains the
//!   answers, move it back, past all that is possible either way, to the first operation that
//!   needs it, or out of the order if none does.
//! - An operation that fits and changes nothing, a read, is taken at once and never taken back:
//!   in any order that explains the answers, it can be moved to the front.

use std::collections::HashSet;
use std::hash::Hash;

/// What the operations of a history do, one at a time.
pub trait Model {
    /// What they do it to.
    type State: Clone + Eq + Hash;

    /// The state before all operations.
    fn initial(&self) -> Self::State;

    /// The state after `operation`, or `None` where its answer does not fit `state`.
    fn step(&self, state: &Self::State, operation: usize) -> Option<Self::State>;
}

/// When an operation took place.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// Not before this.
    pub invocation: u64,
    /// Not after this.
    pub completion: u64,
    /// Whether it may not have taken place at all.
    pub optional: bool,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable {
        /// How many configurations it took.
        configurations: usize,
    },
    /// There is none.
    Not {
        /// The end of the longest order that the search found.
        reached: Vec<usize>,
        /// The operations of which none could be next.
        stuck: Vec<usize>,
    },
    /// The search was given up.
    Undecided,
}

/// How many operations of the longest order are worth showing.
const SHOWN: usize = 12;

/// Searches for an order of operations, which must be sorted by invocation, and gives up after
/// so many configurations.
pub fn search<M: Model>(model: &M, intervals: &[Interval], most: usize) -> Verdict {
    debug_assert!(intervals.is_sorted_by_key(|interval| interval.invocation));
    let required = intervals.iter().filter(|interval| !interval.optional).count();
    let mut taken = Taken::new(intervals);
    let mut known = HashSet::new();
    let mut longest = (0, Vec::new(), Vec::new());
    let mut stack = vec![Configuration::new(model, intervals, &taken, None, model.initial(), None)];
    while let Some(top) = stack.last_mut() {
        let Some((operation, state)) = top.moves.pop() else {
            let operation = top.operation;
            stack.pop();
            operation.inspect(|operation| taken.remove(*operation, intervals));
            continue;
        };
        let without = intervals[operation].optional.then(|| top.state.clone());
        taken.insert(operation, intervals);
        if taken.required == required {
            return Verdict::Linearizable { configurations: known.len() + 1 };
        }
        if !known.insert((taken.bits.clone(), state.clone(), without.clone())) {
            taken.remove(operation, intervals);
            continue;
        }
        if known.len() >= most {
            return Verdict::Undecided;
        }
        let next = Configuration::new(model, intervals, &taken, Some(operation), state, without);
        stack.push(next);
        if taken.required > longest.0 {
            let end = stack[stack.len().saturating_sub(SHOWN)..].iter();
            longest = (taken.required, end.filter_map(|c| c.operation).collect(), candidates(intervals, &taken).0);
        }
    }
    match required {
        0 => Verdict::Linearizable { configurations: 0 },
        _ => Verdict::Not { reached: longest.1, stuck: longest.2 },
    }
}

/// A state of the search, and where to go from it.
struct Configuration<S> {
    /// What led here.
    operation: Option<usize>,
    state: S,
    /// What could be next, and is not tried yet; the best is the last.
    moves: Vec<(usize, S)>,
}

impl<S: Clone + Eq> Configuration<S> {
    /// `without` is the state without the optional operation that was taken last, if it was one.
    fn new(
        model: &impl Model<State = S>,
        intervals: &[Interval],
        taken: &Taken,
        operation: Option<usize>,
        state: S,
        without: Option<S>,
    ) -> Self {
        let needs_it = |next: usize| without.as_ref().is_none_or(|without| model.step(without, next).is_none());
        let (required, optional) = candidates(intervals, taken);
        let mut moves = Vec::new();
        for next in required.into_iter().filter(|&next| needs_it(next)) {
            let Some(after) = model.step(&state, next) else { continue };
            if after == state {
                return Self { operation, state, moves: vec![(next, after)] };
            }
            moves.push((next, after));
        }
        // What had to be done first most likely was; what may not have been at all, least.
        moves.sort_by_key(|(next, _)| std::cmp::Reverse(intervals[*next].completion));
        let optional = optional.into_iter().filter(|&next| needs_it(next));
        let unlikely = optional.filter_map(|next| Some((next, model.step(&state, next)?)));
        moves.splice(0..0, unlikely.collect::<Vec<_>>());
        Self { operation, state, moves }
    }
}

/// The required and the optional operations that real time allows to be next: those that were
/// invoked before every required one that is not taken was completed.
fn candidates(intervals: &[Interval], taken: &Taken) -> (Vec<usize>, Vec<usize>) {
    let (mut required, mut optional, mut end) = (Vec::new(), Vec::new(), u64::MAX);
    for (operation, interval) in intervals.iter().enumerate().skip(taken.first) {
        if interval.invocation > end {
            break;
        }
        if interval.optional || taken.contains(operation) {
            continue;
        }
        end = end.min(interval.completion);
        required.push(operation);
    }
    for &operation in &taken.optional {
        if intervals[operation].invocation <= end && !taken.contains(operation) {
            optional.push(operation);
        }
    }
    (required, optional)
}

/// Which operations are taken.
struct Taken {
    bits: Vec<u64>,
    /// How many required ones.
    required: usize,
    /// All required ones before this are taken.
    first: usize,
    /// All optional operations, taken or not.
    optional: Vec<usize>,
}

impl Taken {
    fn new(intervals: &[Interval]) -> Self {
        let optional = (0..intervals.len()).filter(|&operation| intervals[operation].optional).collect();
        Self { bits: vec![0; intervals.len().div_ceil(64)], required: 0, first: 0, optional }
    }

    fn contains(&self, operation: usize) -> bool {
        self.bits[operation / 64] >> (operation % 64) & 1 == 1
    }

    fn insert(&mut self, operation: usize, intervals: &[Interval]) {
        self.bits[operation / 64] |= 1 << (operation % 64);
        self.required += usize::from(!intervals[operation].optional);
        while self.first < intervals.len() && (intervals[self.first].optional || self.contains(self.first)) {
            self.first += 1;
        }
    }

    fn remove(&mut self, operation: usize, intervals: &[Interval]) {
        self.bits[operation / 64] &= !(1 << (operation % 64));
        self.required -= usize::from(!intervals[operation].optional);
        self.first = self.first.min(operation);
    }
}
