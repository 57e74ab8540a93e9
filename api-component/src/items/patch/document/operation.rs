//! How an operation of a JSON Patch is read.
//!
//! The crate can read its operations itself, but keeps each in a form that can be anything before it knows its `op`:
//! that takes 20 KB more in the component.

use json_patch::jsonptr::PointerBuf;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An operation as it is written.
#[derive(Deserialize)]
#[serde(try_from = "Members")]
pub struct Written(pub PatchOperation);

/// All that an operation may have. What is not defined for it is ignored, whatever it is (RFC 6902 §4).
#[derive(Deserialize)]
struct Members {
    op: Op,
    path: PointerBuf,
    #[serde(default, deserialize_with = "present")]
    from: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
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
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl TryFrom<Members> for Written {
    type Error = NoOperation;

    fn try_from(Members { op, path, from, value }: Members) -> Result<Self, NoOperation> {
        let value = value.ok_or(NoOperation::Missing("value"));
        let from = from.ok_or(NoOperation::Missing("from")).and_then(|from| match from {
            Value::String(text) => PointerBuf::parse(text).map_err(|_| NoOperation::From),
            _ => Err(NoOperation::From),
        });
        Ok(Self(match op {
            Op::Add => PatchOperation::Add(AddOperation { path, value: value? }),
            Op::Remove => PatchOperation::Remove(RemoveOperation { path }),
            Op::Replace => PatchOperation::Replace(ReplaceOperation { path, value: value? }),
            Op::Move => PatchOperation::Move(MoveOperation { from: from?, path }),
            Op::Copy => PatchOperation::Copy(CopyOperation { from: from?, path }),
            Op::Test => PatchOperation::Test(TestOperation { path, value: value? }),
        }))
    }
}
