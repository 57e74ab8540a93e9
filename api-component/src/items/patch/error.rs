//! Why a patch is not applied (RFC 5789 §2.2).

use larder_protocol::limits::{MAX_JSON_DEPTH, MAX_PATCH_OPERATIONS};

use crate::web::header;
use crate::web::problem::{Kind, Problem};

/// Why a patch cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPatch {
    /// Not one of the two media types.
    #[error("The content type of a patch must be application/merge-patch+json or application/json-patch+json")]
    ContentType,
    /// Not JSON, or not of this form.
    #[error("The patch is malformed: {0}")]
    Malformed(String),
    /// More operations than anybody needs.
    #[error("The patch has more than {MAX_PATCH_OPERATIONS} operations")]
    TooMany,
}

/// Why a patch cannot be applied to an item as it is.
#[derive(Debug, thiserror::Error)]
pub enum NotPatched {
    /// Its content type is not one of JSON.
    #[error("The item is {0}; only JSON can be patched. Nothing was written.")]
    ContentType(String),
    /// Its bytes are not what its content type says.
    #[error("The item is not JSON, whatever its content type says: {0}. Nothing was written.")]
    NoDocument(String),
    /// An operation that asks for another state of the item, or for what is never possible.
    #[error("The operation {number} of the patch does not fit the item at \"{path}\": {kind}. Nothing was written.")]
    Operation {
        /// Which one, from 0.
        number: usize,
        /// Its path.
        path: String,
        /// Why.
        kind: Misfit,
    },
    /// It would make what cannot be read again.
    #[error(
        "The operation {number} of the patch would leave more than {MAX_JSON_DEPTH} arrays and objects nested at \"{path}\". Nothing was written."
    )]
    TooDeep {
        /// Which one, from 0.
        number: usize,
        /// Its path.
        path: String,
    },
}

/// Why an operation does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Nothing is at its path, or nothing can be there.
    #[error("path is invalid")]
    Path,
    /// Nothing is at what it copies or moves.
    #[error("\"from\" path is invalid")]
    From,
    /// It would move a value into itself.
    #[error("cannot move the value inside itself")]
    Inside,
    /// The value at its path is another.
    #[error("value did not match")]
    Test,
}

/// Others wrote between each reading of the item and the writing, so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Others changed the item each of the {0} times that it was being patched. Nothing was written; try again.")]
pub struct Contended(pub u32);

/// What the item will be when all accepted writes are applied is not known in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Writes that were accepted before are not applied yet, and the patch does not fit the item as it is. Nothing was written; try again later."
)]
pub struct NotSettled;

impl From<InvalidPatch> for Problem {
    fn from(error: InvalidPatch) -> Self {
        let kind = match error {
            InvalidPatch::ContentType => Kind::UnsupportedContentType,
            InvalidPatch::Malformed(_) => Kind::InvalidPatch,
            InvalidPatch::TooMany => Kind::Unpatchable,
        };
        let problem = Self::new(kind, format_args!("{error}. Nothing was written."));
        if kind == Kind::UnsupportedContentType { accepting(problem) } else { problem }
    }
}

impl From<NotPatched> for Problem {
    fn from(error: NotPatched) -> Self {
        let problem = |kind| Self::new(kind, &error);
        match &error {
            NotPatched::ContentType(_) | NotPatched::NoDocument(_) => accepting(problem(Kind::NotJson)),
            NotPatched::Operation { path, kind: Misfit::Inside, .. } | NotPatched::TooDeep { path, .. } => {
                problem(Kind::Unpatchable).with_pointer(path)
            }
            NotPatched::Operation { path, .. } => problem(Kind::PatchConflict).with_pointer(path),
        }
    }
}

impl From<Contended> for Problem {
    fn from(error: Contended) -> Self {
        Self::new(Kind::Contended, error)
    }
}

impl From<NotSettled> for Problem {
    fn from(error: NotSettled) -> Self {
        Self::new(Kind::StateNotReached, error)
    }
}

/// Says what would be taken (RFC 5789 §3.1).
fn accepting(problem: Problem) -> Problem {
    problem.with_header(header::ACCEPT_PATCH, header::PATCH_FORMS)
}
