//! The verdict on a history, with the numbers that it rests on.

use std::fmt;

use super::checker::{self, Verdict};
use super::facts::{Effect, Facts};
use super::model::Item;
use super::operation::{Answer, History, Operation};
use super::order;

/// When the search gives up on an item. A history that is sound takes about one configuration
/// for each operation.
const MOST_CONFIGURATIONS: usize = 200_000;

/// How many violations of a kind are worth printing.
const SHOWN: usize = 5;

/// What a history is like, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Report {
    operations: usize,
    reads: usize,
    acknowledged: usize,
    waited: usize,
    failed: usize,
    refused: usize,
    /// Unknown when they ended, and never seen.
    unknown: usize,
    /// Unknown when they ended, and seen by a read.
    recovered: usize,
    /// Operations that the search put in order.
    ordered: usize,
    configurations: usize,
    /// What contradicts the promise; empty if it is kept.
    pub violations: Vec<String>,
}

/// Judges a history.
#[must_use]
pub fn check(history: &History) -> Report {
    let facts = Facts::of(history);
    let mut report = count(history, &facts);
    let committed_by = order::committed_by(history, &facts);
    report.violations.extend(order::violations(history, &facts));
    for item in 0..history.items.len() {
        let model = Item::of(history, &facts, &committed_by, item);
        report.ordered += model.operations.len();
        let show = |steps: &[usize]| -> String {
            let show = |step: &usize| format!("\n    {}", operation(history, model.operations[*step]));
            steps.iter().map(show).collect()
        };
        match checker::search(&model, &model.intervals, MOST_CONFIGURATIONS) {
            Verdict::Linearizable { configurations } => report.configurations += configurations,
            Verdict::Not { reached, stuck } => report.violations.push(format!(
                "item {item} is not linearizable. The longest order that fits ends with{}\n  and none of these can be next{}",
                show(&reached),
                show(&stuck),
            )),
            Verdict::Undecided => report.violations.push(format!("item {item}: the search was given up")),
        }
    }
    report
}

fn operation(history: &History, index: usize) -> &Operation {
    history.operations.get(index).unwrap_or_else(|| &history.last_reads[index - history.operations.len()])
}

fn count(history: &History, facts: &Facts) -> Report {
    let mut report = Report { violations: facts.violations.clone(), ..Report::default() };
    for (operation, effect) in history.operations.iter().zip(&facts.effects) {
        report.operations += 1;
        match &operation.answer {
            Answer::Found { .. } | Answer::Missing => report.reads += 1,
            Answer::Accepted(_) => report.acknowledged += 1,
            Answer::Applied { .. } => {
                report.acknowledged += 1;
                report.waited += 1;
            }
            Answer::Failed { .. } => report.failed += 1,
            Answer::Refused => report.refused += 1,
            Answer::Unknown | Answer::Surprise(_) if *effect == Effect::Maybe => report.unknown += 1,
            Answer::Unknown | Answer::Surprise(_) => report.recovered += 1,
        }
    }
    report
}

impl Report {
    /// How many writes were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// The violations, as many as are worth reading.
    #[must_use]
    pub fn complaint(&self) -> String {
        let shown: String = self.violations.iter().take(SHOWN).map(|violation| format!("- {violation}\n")).collect();
        format!("{} violations:\n{shown}", self.violations.len())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, reads, acknowledged, waited, failed, refused, unknown, recovered, .. } = self;
        write!(
            f,
            "{operations} operations: {reads} reads, {acknowledged} writes acknowledged ({waited} after waiting), \
             {failed} conditions failed, {refused} refused or reads without an answer, {} writes unknown ({recovered} of them seen later); checked: {} \
             fates, {} operations in one order per item in {} configurations; {} violations",
            unknown + recovered,
            acknowledged,
            self.ordered,
            self.configurations,
            self.violations.len()
        )
    }
}
