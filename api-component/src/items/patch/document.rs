//! What a patch is, and what it makes of a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC
//! 6902).
//!
//! The crate does the operations. What is added here keeps a small patch from making something large:
//! `copy` can double a document, and its depth, with each operation.

mod operation;

use std::slice;

use json_patch::jsonptr::Pointer;
use json_patch::{PatchErrorKind, PatchOperation};
use larder_protocol::limits::{MAX_JSON_DEPTH, MAX_PATCH_OPERATIONS, MAX_PATCHED_BYTES};
use serde_json::{Number, Value};

use self::operation::Written;
use super::error::{InvalidPatch, NotPatched};
use crate::web::body::BodyError;
use crate::web::problem::Problem;

/// How a document shall change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Members are set, or removed where they are null.
    Merge(Value),
    /// One operation after the other, all of them or none.
    Operations(Vec<PatchOperation>),
}

/// The media types of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/merge-patch+json`
    Merge,
    /// `application/json-patch+json`
    Operations,
}

impl Patch {
    /// Reads a patch.
    pub fn parse(form: Form, json: &[u8]) -> Result<Self, InvalidPatch> {
        let malformed = |error: serde_json::Error| InvalidPatch::Malformed(error.to_string());
        match form {
            Form::Merge => serde_json::from_slice(json).map(Self::Merge).map_err(malformed),
            Form::Operations => {
                let operations: Vec<Written> = serde_json::from_slice(json).map_err(malformed)?;
                if operations.len() > MAX_PATCH_OPERATIONS {
                    return Err(InvalidPatch::TooMany);
                }
                Ok(Self::Operations(operations.into_iter().map(|Written(operation)| operation).collect()))
            }
        }
    }

    /// What it makes of a document, or of nothing; of `max_value_bytes` at most, and never of more than
    /// [`MAX_PATCHED_BYTES`].
    pub fn apply(&self, document: Option<&[u8]>, max_value_bytes: usize) -> Result<Vec<u8>, Problem> {
        let most = max_value_bytes.min(MAX_PATCHED_BYTES);
        if document.is_some_and(|document| document.len() > most) {
            return Err(BodyError::TooLarge(most).into());
        }
        let parsed = document.map_or(Ok(Value::Null), serde_json::from_slice);
        let mut value = parsed.map_err(|error| NotPatched::NoDocument(error.to_string()))?;
        match self {
            Self::Merge(patch) => json_patch::merge(&mut value, patch),
            Self::Operations(operations) => apply_all(operations, &mut value, most)?,
        }
        let value = serde_json::to_vec(&value).expect("what was read from JSON can be written as JSON");
        if value.len() > most { Err(BodyError::TooLarge(most).into()) } else { Ok(value) }
    }
}

fn apply_all(operations: &[PatchOperation], value: &mut Value, most: usize) -> Result<(), Problem> {
    let mut copied = 0;
    for (number, operation) in operations.iter().enumerate() {
        let failed = |kind| NotPatched::Operation { number, path: operation.path().to_string(), kind };
        if let PatchOperation::Test(test) = operation {
            let found = value.pointer(test.path.as_str()).ok_or_else(|| failed(PatchErrorKind::InvalidPointer))?;
            if !equal(found, &test.value) {
                return Err(failed(PatchErrorKind::TestFailed).into());
            }
            continue;
        }
        let source = match operation {
            PatchOperation::Add(add) => Some(&add.value),
            PatchOperation::Replace(replace) => Some(&replace.value),
            PatchOperation::Copy(copy) => value.pointer(copy.from.as_str()),
            PatchOperation::Move(from) => value.pointer(from.from.as_str()),
            PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
        };
        if source.is_some_and(|source| levels(operation.path()) + depth(source) > MAX_JSON_DEPTH) {
            return Err(NotPatched::TooDeep { number, path: operation.path().to_string() }.into());
        }
        if let (PatchOperation::Copy(_), Some(source)) = (operation, source) {
            copied += source.to_string().len();
            if copied > most {
                return Err(BodyError::TooLarge(most).into());
            }
        }
        json_patch::patch_unsafe(value, slice::from_ref(operation)).map_err(|error| failed(error.kind))?;
    }
    Ok(())
}

fn levels(path: &Pointer) -> usize {
    path.tokens().count()
}

/// How many arrays and objects are inside each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Whether two values are equal for `test`: numbers are where they are numerically (RFC 6902 §4.6), and
/// they are kept as they were written.
fn equal(this: &Value, that: &Value) -> bool {
    match (this, that) {
        (Value::Number(this), Value::Number(that)) => equal_numbers(this, that),
        (Value::Array(these), Value::Array(those)) => {
            these.len() == those.len() && these.iter().zip(those).all(|(this, that)| equal(this, that))
        }
        (Value::Object(these), Value::Object(those)) => {
            these.len() == those.len()
                && these.iter().all(|(name, this)| those.get(name).is_some_and(|that| equal(this, that)))
        }
        (this, that) => this == that,
    }
}

fn equal_numbers(this: &Number, that: &Number) -> bool {
    let is_integer = |number: &Number| !number.as_str().contains(['.', 'e', 'E']);
    if is_integer(this) && is_integer(that) {
        return this == that;
    }
    this == that || this.as_f64().is_some_and(|number| that.as_f64() == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(form: Form, document: &str, patch: &str) -> Result<String, String> {
        let patch = Patch::parse(form, patch.as_bytes()).map_err(|error| error.to_string())?;
        let patched = patch.apply(Some(document.as_bytes()), 1_000).map_err(|problem| problem.to_string())?;
        Ok(String::from_utf8(patched).unwrap())
    }

    fn operations(document: &str, patch: &str) -> Result<String, String> {
        patched(Form::Operations, document, patch)
    }

    /// The test cases of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_does_what_its_rfc_shows() {
        for (document, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(patched(Form::Merge, document, patch).as_deref(), Ok(result), "{document} {patch}");
        }
    }

    #[test]
    fn what_a_patch_does_not_touch_stays_as_it_was_written() {
        let document = r#"{"z":1.10,"a":123456789012345678901234567890,"m":{"y":1e+400,"b":-0}}"#;
        let result = r#"{"z":1.10,"a":123456789012345678901234567890,"m":{"y":1e+400,"b":-0},"new":0.10}"#;
        assert_eq!(patched(Form::Merge, document, r#"{"new":0.10}"#).as_deref(), Ok(result));
        let add = r#"[{"op":"add","path":"/new","value":0.10}]"#;
        assert_eq!(operations(document, add).as_deref(), Ok(result));
    }

    #[test]
    fn operations_are_done_in_order_all_or_none() {
        let patch = r#"[{"op":"test","path":"/a","value":[1.0,2]},{"op":"add","path":"/a/-","value":3},
            {"op":"remove","path":"/a/0"},{"op":"replace","path":"/b~1c","value":{"~":null}},
            {"op":"move","from":"/a/0","path":"/d"},{"op":"copy","from":"/d","path":"/e"}]"#;
        assert_eq!(
            operations(r#"{"a":[1,2],"b/c":0}"#, patch).as_deref(),
            Ok(r#"{"a":[3],"b/c":{"~":null},"d":2,"e":2}"#)
        );
    }

    /// RFC 6902 §4.
    #[test]
    fn what_is_not_defined_for_an_operation_is_ignored() {
        let patch =
            r#"[{"path":"/a","op":"replace","value":null,"from":1,"x":{}},{"op":"remove","path":"/b","value":[]}]"#;
        assert_eq!(operations(r#"{"a":1,"b":2}"#, patch).as_deref(), Ok(r#"{"a":null}"#));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_path() {
        for (patch, says) in [
            (r#"[{"op":"test","path":"/a","value":2}]"#, "operation 0 of the patch does not fit the item at \"/a\""),
            (r#"[{"op":"test","path":"/n","value":9007199254740992}]"#, "at \"/n\""),
            (r#"[{"op":"test","path":"/x","value":2}]"#, "at \"/x\""),
            (r#"[{"op":"add","path":"/b","value":2},{"op":"remove","path":"/c/d"}]"#, "operation 1 of"),
            (r#"[{"op":"replace","path":"/x","value":2}]"#, "at \"/x\""),
            (r#"[{"op":"copy","from":"/x","path":"/y"}]"#, "at \"/y\""),
            (r#"[{"op":"add","path":"/l/2","value":2}]"#, "at \"/l/2\""),
            (r#"[{"op":"move","from":"/o","path":"/o/p"}]"#, "inside itself"),
        ] {
            let error = operations(r#"{"a":1,"n":9007199254740993,"l":[0],"o":{}}"#, patch).unwrap_err();
            assert!(error.contains(says), "{patch}: {error}");
        }
        assert!(operations("not json", "[]").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        for wrong in [
            "",
            "{}",
            "[1]",
            r#"[{"op":"add","path":"/a"}]"#,
            r#"[{"op":"rename","path":"/a"}]"#,
            r#"[{"op":"remove","path":"a"}]"#,
            r#"[{"op":"remove","path":"/~2"}]"#,
            r#"[{"op":"move","path":"/a"}]"#,
            r#"[{"op":"copy","path":"/a","from":"b"}]"#,
            r#"[{"path":"/a"}]"#,
        ] {
            assert!(
                matches!(Patch::parse(Form::Operations, wrong.as_bytes()), Err(InvalidPatch::Malformed(_))),
                "{wrong}"
            );
        }
        assert!(matches!(Patch::parse(Form::Merge, b"{"), Err(InvalidPatch::Malformed(_))));
        let many = format!("[{}]", vec![r#"{"op":"remove","path":"/a"}"#; MAX_PATCH_OPERATIONS + 1].join(","));
        assert_eq!(Patch::parse(Form::Operations, many.as_bytes()), Err(InvalidPatch::TooMany));
    }

    #[test]
    fn no_patch_makes_more_than_it_may() {
        let doubling = vec![r#"{"op":"copy","from":"","path":"/a"}"#; 100].join(",");
        let error = operations(r#"{"b":"0123456789"}"#, &format!("[{doubling}]")).unwrap_err();
        assert!(error.contains("larger than 1000 bytes"), "{error}");
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000));
        assert!(patched(Form::Merge, "{}", &long).unwrap_err().contains("larger than 1000 bytes"));
        assert!(patched(Form::Merge, &long, r#"{"a":null}"#).unwrap_err().contains("larger than 1000 bytes"));
    }

    /// What is patched once can be read again.
    #[test]
    fn no_patch_nests_deeper_than_can_be_read() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(serde_json::from_str::<Value>(&nested(MAX_JSON_DEPTH)).is_ok());
        assert!(serde_json::from_str::<Value>(&nested(MAX_JSON_DEPTH + 1)).is_err());
        let add = |levels: usize| format!(r#"[{{"op":"add","path":"/0","value":{}}}]"#, nested(levels));
        // In the patch the value is two levels further down.
        assert!(operations("[]", &add(MAX_JSON_DEPTH - 2)).is_ok());
        assert!(operations("[]", &add(MAX_JSON_DEPTH - 1)).is_err());
        // Behind a hundred levels there is room for 27.
        let inside = |levels: usize| {
            let path = "/0".repeat(100);
            let add = format!(r#"[{{"op":"add","path":"{path}","value":{}}}]"#, nested(levels));
            operations(&nested(100), &add)
        };
        assert!(inside(MAX_JSON_DEPTH - 100).is_ok());
        assert!(inside(MAX_JSON_DEPTH - 99).unwrap_err().contains("nested"));
    }
}
