//! Why a write was not done, or cannot be told of.

use std::fmt;

use http::HeaderValue;
use http::header::ETAG;
use larder_protocol::Revision;
use larder_protocol::revision::InvalidRevision;

use crate::web::problem::{Kind, Problem};

/// A revision that says nothing of an item, because it belongs to another partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The revision {0} is not of the partition of this item, so it says nothing of its state.")]
pub struct ForeignRevision(pub Revision);

/// The item is in another state than the request asks for; this is the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The item is {}; the request asks for another state of it.", State(.0))]
pub struct PreconditionFailed(pub Option<Revision>);

/// The state of an item, for a sentence.
struct State<'a>(&'a Option<Revision>);

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => write!(f, "at revision \"{revision}\""),
            None => f.write_str("not there"),
        }
    }
}

impl From<ForeignRevision> for Problem {
    fn from(error: ForeignRevision) -> Self {
        Self::new(Kind::ForeignRevision, error)
    }
}

impl From<PreconditionFailed> for Problem {
    fn from(error: PreconditionFailed) -> Self {
        let problem = Self::new(Kind::PreconditionFailed, error);
        match error.0 {
            Some(current) => {
                problem.with_header(ETAG, HeaderValue::from_str(&current.etag()).expect("a revision is ASCII"))
            }
            None => problem,
        }
    }
}

impl From<InvalidRevision> for Problem {
    fn from(error: InvalidRevision) -> Self {
        Self::new(Kind::InvalidRevision, format_args!("{error}."))
    }
}
