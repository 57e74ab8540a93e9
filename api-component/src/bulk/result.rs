//! What became of one part of a bulk request: a line of the answer.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde::Serialize;

use crate::problem::{Document, Problem};

/// What became of each part, by its number: the id where it could be read, and the outcome.
pub type Outcomes<T> = BTreeMap<usize, (Option<String>, Result<T, Problem>)>;

/// The result of one part. Its status is that of a request for this part alone.
#[derive(Serialize)]
pub struct BulkResult<T> {
    id: Option<String>,
    status: u16,
    #[serde(flatten)]
    done: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

/// The results in the order of the parts: what was done has `status`, and tells what `told`
/// makes of it.
pub fn results<'a, T, R>(
    outcomes: &'a Outcomes<T>,
    status: StatusCode,
    told: impl Fn(&'a T) -> R,
) -> Vec<BulkResult<R>> {
    let result = |(id, outcome): &'a (Option<String>, Result<T, Problem>)| {
        let (status, done, problem) = match outcome {
            Ok(done) => (status.as_u16(), Some(told(done)), None),
            Err(problem) => (problem.status().as_u16(), None, Some(problem.document())),
        };
        BulkResult { id: id.clone(), status, done, problem }
    };
    outcomes.values().map(result).collect()
}

/// Writes to standard error, once each, what the operator should know of the failures.
pub fn log<T>(path: &str, outcomes: &Outcomes<T>) {
    let failures = outcomes.values().filter_map(|(_, outcome)| outcome.as_ref().err());
    for line in failures.filter_map(Problem::log_line).collect::<BTreeSet<_>>() {
        eprintln!("POST {path}: {line}");
    }
}
