//! What became of one part of a bulk request: a line of the answer.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use crate::web::log::Log;
use crate::web::problem::{Document, Kind, Problem};

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

/// The results in the order of the parts; `told` makes the status of what was done, and what there
/// is to tell of it.
pub fn results<'a, T, R>(outcomes: &'a Outcomes<T>, told: impl Fn(&'a T) -> (StatusCode, R)) -> Vec<BulkResult<R>> {
    let result = |(id, outcome): &'a (Option<String>, Result<T, Problem>)| {
        let (status, done, problem) = match outcome.as_ref().map(&told) {
            Ok((status, done)) => (status, Some(done), None),
            Err(problem) => (problem.status(), None, Some(problem.document())),
        };
        BulkResult { id: id.clone(), status: status.as_u16(), done, problem }
    };
    outcomes.values().map(result).collect()
}

/// The problem that answers the whole request, where the store could take none of its parts now. A write that
/// too few replicas have was taken, and has an address of its own.
pub fn common<T>(outcomes: &mut Outcomes<T>) -> Option<Problem> {
    let untaken = |problem: &Problem| problem.is_temporary() && problem.kind() != Kind::UnderReplicated;
    if !outcomes.values().all(|(_, outcome)| outcome.as_ref().is_err_and(untaken)) {
        return None;
    }
    outcomes.pop_first()?.1.1.err()
}

/// Logs what was refused or failed: a line for each sort of problem, with how many parts have it.
pub fn log<T>(log: Log, path: &str, outcomes: &Outcomes<T>) {
    let mut sorts = BTreeMap::<_, (&Problem, usize)>::new();
    for problem in outcomes.values().filter_map(|(_, outcome)| outcome.as_ref().err()) {
        let sort = (problem.kind().parts().1, problem.cause());
        sorts.entry(sort).or_insert((problem, 0)).1 += 1;
    }
    for (problem, parts) in sorts.into_values() {
        problem.log(log, [("method", "POST".into()), ("path", path.into()), ("parts", parts.into())]);
    }
}
