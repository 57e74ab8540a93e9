//! How an operation of a JSON Patch is read.

use jsonptr::{Pointer, PointerBuf};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An operation (RFC 6902 §4). Its value is kept as it was written.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Members")]
pub enum Operation {
    Add { path: PointerBuf, value: Box<str> },
    Remove { path: PointerBuf },
    Replace { path: PointerBuf, value: Box<str> },
    Move { from: PointerBuf, path: PointerBuf },
    Copy { from: PointerBuf, path: PointerBuf },
    Test { path: PointerBuf, value: Box<str> },
}

/// All that an operation may have. What is not defined for it is ignored, whatever it is (RFC 6902 §4).
#[derive(Deserialize)]
struct Members<'a> {
    op: Op,
    path: PointerBuf,
    #[serde(borrow, default, deserialize_with = "present")]
    from: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// Why members make no operation.
#[derive(Debug, thiserror::Error)]
enum NoOperation {
    #[error("missing field `{0}`")]
    Missing(&'static str),
    #[error("invalid `from`: it must be a JSON Pointer")]
    From,
}

/// A member that is there; null is a value, too.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl TryFrom<Members<'_>> for Operation {
    type Error = NoOperation;

    fn try_from(Members { op, path, from, value }: Members) -> Result<Self, NoOperation> {
        let value = || Ok(value.ok_or(NoOperation::Missing("value"))?.get().into());
        let from = || {
            let from = from.ok_or(NoOperation::Missing("from"))?;
            serde_json::from_str(from.get()).map_err(|_| NoOperation::From)
        };
        Ok(match op {
            Op::Add => Self::Add { path, value: value()? },
            Op::Remove => Self::Remove { path },
            Op::Replace => Self::Replace { path, value: value()? },
            Op::Move => Self::Move { from: from()?, path },
            Op::Copy => Self::Copy { from: from()?, path },
            Op::Test => Self::Test { path, value: value()? },
        })
    }
}

impl Operation {
    /// What it changes.
    pub fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Move { path, .. }
            | Self::Copy { path, .. }
            | Self::Test { path, .. } => path,
        }
    }
}
