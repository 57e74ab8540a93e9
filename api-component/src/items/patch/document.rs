//! What a patch is, and what it makes of a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC
//! 6902).
//!
//! A small patch must not make something large: `copy` can double a document, and its depth, with each operation.

mod operation;

use indexmap::IndexMap;
use jsonptr::Pointer;
use larder_protocol::limits::{MAX_JSON_DEPTH, MAX_PATCH_OPERATIONS, MAX_PATCHED_BYTES};
use serde_json::value::RawValue;

use self::operation::Operation;
use super::error::{InvalidPatch, Misfit, NotPatched};
use super::tree::{Json, Member, index};
use crate::web::body::BodyError;
use crate::web::problem::Problem;

/// How a document shall change. Values are kept as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Members are set, or removed where they are null.
    Merge(Box<str>),
    /// One operation after the other, all of them or none.
    Operations(Vec<Operation>),
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
        Json::parse(json).map_err(malformed)?;
        match form {
            Form::Merge => {
                let text: &RawValue = serde_json::from_slice(json).map_err(malformed)?;
                Ok(Self::Merge(text.get().into()))
            }
            Form::Operations => {
                let operations: Vec<Operation> = serde_json::from_slice(json).map_err(malformed)?;
                if operations.len() > MAX_PATCH_OPERATIONS {
                    return Err(InvalidPatch::TooMany);
                }
                Ok(Self::Operations(operations))
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
        let parsed = document.map_or(Ok(Json::NULL), Json::parse);
        let mut value = parsed.map_err(|error| NotPatched::NoDocument(error.to_string()))?;
        match self {
            Self::Merge(patch) => merge(&mut value, Json::Text(patch)),
            Self::Operations(operations) => apply_all(operations, &mut value, most)?,
        }
        let mut text = String::new();
        value.write(&mut text);
        if text.len() > most { Err(BodyError::TooLarge(most).into()) } else { Ok(text.into_bytes()) }
    }
}

/// RFC 7396 §2.
fn merge<'a>(target: &mut Json<'a>, patch: Json<'a>) {
    let changes = match patch.opened() {
        Json::Object(changes) => changes,
        value => return *target = value,
    };
    if !matches!(target.open(), Json::Object(_)) {
        *target = Json::Object(IndexMap::new());
    }
    let Json::Object(members) = target else { return };
    for (name, member) in changes {
        if member.value.is_null() {
            members.shift_remove(&name);
        } else {
            let entry = members.entry(name).or_insert_with(|| member.empty());
            merge(&mut entry.value, member.value);
        }
    }
}

fn apply_all<'a>(operations: &'a [Operation], value: &mut Json<'a>, most: usize) -> Result<(), Problem> {
    let mut copied = 0;
    for (number, operation) in operations.iter().enumerate() {
        let path = operation.path();
        let failed = |kind| NotPatched::Operation { number, path: path.to_string(), kind };
        let added = match operation {
            Operation::Test { path, value: wanted } => {
                let found = value.at(path).ok_or_else(|| failed(Misfit::Path))?;
                if !found.equals(&Json::Text(wanted)) {
                    return Err(failed(Misfit::Test).into());
                }
                continue;
            }
            Operation::Remove { path } => {
                remove(value, path).ok_or_else(|| failed(Misfit::Path))?;
                continue;
            }
            Operation::Add { value, .. } | Operation::Replace { value, .. } => Json::Text(value),
            Operation::Copy { from, .. } => value.at(from).ok_or_else(|| failed(Misfit::From))?.clone(),
            Operation::Move { from, path } if path.starts_with(from) && path != from => {
                return Err(failed(Misfit::Inside).into());
            }
            Operation::Move { from, .. } => value.at(from).ok_or_else(|| failed(Misfit::From))?.clone(),
        };
        if levels(path) + added.depth() > MAX_JSON_DEPTH {
            return Err(NotPatched::TooDeep { number, path: path.to_string() }.into());
        }
        match operation {
            Operation::Copy { .. } => {
                copied += added.to_string().len();
                if copied > most {
                    return Err(BodyError::TooLarge(most).into());
                }
            }
            Operation::Move { from, path } if path != from => {
                remove(value, from).ok_or_else(|| failed(Misfit::From))?;
            }
            _ => {}
        }
        let place = match operation {
            Operation::Replace { path, .. } => value.at(path),
            _ => make_place(value, path),
        };
        *place.ok_or_else(|| failed(Misfit::Path))? = added;
    }
    Ok(())
}

/// The place of a value that is to be added (RFC 6902 §4.1): what is at that index and behind moves on.
fn make_place<'v, 'a>(value: &'v mut Json<'a>, path: &Pointer) -> Option<&'v mut Json<'a>> {
    let Some((parent, last)) = path.split_back() else { return Some(value) };
    match value.at(parent)?.open() {
        Json::Object(members) => {
            let name = last.decoded().into_owned();
            let member = || Member::new(&last.decoded());
            Some(&mut members.entry(name.into()).or_insert_with(member).value)
        }
        Json::Array(elements) => {
            let at = last.to_index().ok()?.for_len_incl(elements.len()).ok()?;
            elements.insert(at, Json::NULL);
            elements.get_mut(at)
        }
        Json::Text(_) => None,
    }
}

/// Takes a value out; `None` where there is none, or it is the whole document.
fn remove(value: &mut Json<'_>, path: &Pointer) -> Option<()> {
    let (parent, last) = path.split_back()?;
    match value.at(parent)?.open() {
        Json::Object(members) => members.shift_remove(&*last.decoded()).map(drop),
        Json::Array(elements) => {
            let at = index(&last, elements.len())?;
            elements.remove(at);
            Some(())
        }
        Json::Text(_) => None,
    }
}

fn levels(path: &Pointer) -> usize {
    path.tokens().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(form: Form, document: &str, patch: &str) -> Result<String, String> {
        let patch = Patch::parse(form, patch.as_bytes()).map_err(|error| error.to_string())?;
        let patched = patch.apply(Some(document.as_bytes()), 3_000).map_err(|problem| problem.to_string())?;
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
        let document =
            r#"{"z":1.10,"a":123456789012345678901234567890,"m":{"y":1e400 , "\u0062":[-0, 1E2]},"z\u002f":"\/"}"#;
        let result = document.replace(r#""\/"}"#, r#""\/","new":0.10}"#);
        assert_eq!(patched(Form::Merge, document, r#"{"new":0.10}"#).as_ref(), Ok(&result));
        let add = r#"[{"op":"add","path":"/new","value":0.10}]"#;
        assert_eq!(operations(document, add), Ok(result));
    }

    /// Members by which parsers mark what they keep as text.
    #[test]
    fn no_name_of_a_member_means_anything() {
        for name in
            ["$serde_json::private::Number", "$serde_json::private::RawValue", r"\u0024serde_json::private::Number"]
        {
            let nested = format!(r#""{}1{}""#, "[".repeat(480), "]".repeat(480));
            for value in [r#""1e5""#, r#""[1,2]""#, &nested, "1"] {
                let marked = format!(r#"{{"{name}":{value}}}"#);
                let document = format!(r#"{{"keep":{marked}}}"#);
                let patch = format!(r#"{{"new":{marked}}}"#);
                let merged = patched(Form::Merge, &document, &patch).unwrap();
                assert_eq!(merged, format!(r#"{{"keep":{marked},"new":{marked}}}"#));
                // Opened, and still the same.
                let inside = patched(Form::Merge, &document, r#"{"keep":{"a":1}}"#).unwrap();
                assert_eq!(inside, format!(r#"{{"keep":{{"{name}":{value},"a":1}}}}"#));
                let add = format!(
                    r#"[{{"op":"add","path":"/new","value":{marked}}},{{"op":"test","path":"/new","value":{marked}}}]"#
                );
                assert_eq!(operations(&document, &add).unwrap(), merged);
            }
        }
    }

    #[test]
    fn of_members_with_one_name_the_last_counts_where_a_patch_opens_their_object() {
        let document = r#"{"a":1,"b":{"c":1,"c":2},"\u0061":3}"#;
        assert_eq!(patched(Form::Merge, document, "{}").as_deref(), Ok(r#"{"\u0061":3,"b":{"c":1,"c":2}}"#));
        assert_eq!(
            operations(document, r#"[{"op":"test","path":"/a","value":3}]"#).as_deref(),
            Ok(r#"{"\u0061":3,"b":{"c":1,"c":2}}"#)
        );
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
        assert!(error.contains("larger than 3000 bytes"), "{error}");
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(3_000));
        assert!(patched(Form::Merge, "{}", &long).unwrap_err().contains("larger than 3000 bytes"));
        assert!(patched(Form::Merge, &long, r#"{"a":null}"#).unwrap_err().contains("larger than 3000 bytes"));
    }

    /// What is patched once can be read again.
    #[test]
    fn no_patch_nests_deeper_than_can_be_read() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(nested(MAX_JSON_DEPTH).as_bytes()).is_ok());
        assert!(Json::parse(nested(MAX_JSON_DEPTH + 1).as_bytes()).is_err());
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
