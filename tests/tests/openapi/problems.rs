//! The document, the code and what there is to read have the same problems, and say the same of what was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, ensure};
use larder_api::web::problem::{Kind, TYPE_PREFIX};
use larder_tests::openapi::Document;
use serde_json::Value;
use strum::IntoEnumIterator;

use crate::Tested;
use crate::code::{at, text};

/// All types, with their titles; and each stands where answers with its status are described.
#[test]
fn the_problems_are_those_of_the_code() -> Tested {
    let kinds: BTreeMap<_, _> = Kind::iter().map(|kind| (format!("{TYPE_PREFIX}{}", kind.parts().1), kind)).collect();
    let listed = at("/components/schemas/ProblemType/oneOf")?;
    let listed =
        listed.as_array().context("a list")?.iter().map(|entry| (text(&entry["const"]), text(&entry["title"])));
    let listed: BTreeMap<_, _> = listed.collect();
    let expected = kinds.iter().map(|(name, kind)| (name.clone(), kind.parts().2.to_owned())).collect();
    assert_eq!(listed, expected);

    let mut described = BTreeSet::new();
    let operations = Document::get().operations().flat_map(|operation| operation.node.entries_of("responses"));
    let others = [("405", "MethodNotAllowed"), ("404", "NoSuchPath"), ("406", "NotAcceptable")];
    let others = others.map(|(status, name)| Ok((status.to_owned(), at(&format!("/components/responses/{name}"))?)));
    let responses: Vec<_> = operations.map(Ok).chain(others).collect::<anyhow::Result<_>>()?;
    for (status, response) in responses {
        let types = response.value().pointer("/content/application~1problem+json/schema/properties/type/enum");
        for name in types.and_then(Value::as_array).into_iter().flatten().map(text) {
            if let Some(kind) = kinds.get(&name) {
                ensure!(kind.parts().0.as_str() == status, "{name} stands under {status} in {}", response.pointer);
                described.insert(name);
            }
        }
    }
    for result in ["OperationResult", "ItemResult"] {
        let types = at(&format!("/components/schemas/{result}/properties/problem/properties/type/enum"))?;
        described.extend(types.as_array().context("a list")?.iter().map(text));
    }
    let missing: Vec<_> = kinds.keys().filter(|name| !described.contains(*name)).collect();
    assert!(missing.is_empty(), "no operation answers {missing:?}");
    Ok(())
}

/// What an answer may say of the write, and whether that is more than that there was none.
const FATES: [(&str, bool); 3] =
    [("nothing was written", false), ("may or may not have been accepted", true), ("the write was accepted", true)];

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).context(path.to_owned())
}

/// The types in a text, each in backticks.
fn named(text: &str) -> BTreeSet<&'static str> {
    let words: BTreeSet<_> = text.split('`').skip(1).step_by(2).collect();
    Kind::iter().map(|kind| kind.parts().1).filter(|name| words.contains(name)).collect()
}

/// What the tables of a manual say of each type. Where several types share a row, so they do what it says.
fn told(manual: &str, chapter: &str) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let text = read(manual)?;
    let (_, text) = text.split_once(chapter).with_context(|| format!("{manual} has no {chapter}"))?;
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut told = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        // Types come first, or behind their status.
        let types = cells.iter().map(|cell| named(cell)).find(|types| !types.is_empty()).unwrap_or_default();
        for name in types {
            ensure!(told.insert(name, row.to_lowercase()).is_none(), "{manual} has {name} twice");
        }
    }
    Ok(told)
}

#[test]
fn the_manuals_list_all_problems_and_say_alike_what_was_written() -> Tested {
    let listed = at("/components/schemas/ProblemType/oneOf")?;
    let listed = listed.as_array().context("a list")?.iter();
    let document: BTreeMap<_, _> =
        listed.map(|entry| (text(&entry["const"]), text(&entry["description"]).to_lowercase())).collect();
    let manuals = [told("docs/api.md", "\n## Errors\n")?, told("docs/operations.md", "\n## Problem types\n")?];
    let mut exceptions = BTreeSet::new();
    for (status, name, _) in Kind::iter().map(Kind::parts) {
        let in_document = document.get(&format!("{TYPE_PREFIX}{name}")).with_context(|| name.to_owned())?;
        let mut rows = vec![in_document];
        for manual in &manuals {
            rows.push(manual.get(name).with_context(|| format!("{name} is missing in a manual"))?);
        }
        if status.is_server_error() {
            let fates = rows.iter().map(|row| FATES.into_iter().filter(|(fate, _)| row.contains(fate)).collect());
            let fates: BTreeSet<Vec<_>> = fates.collect();
            let fate = fates.first().filter(|fate| fates.len() == 1 && fate.len() == 1);
            let (_, is_exception) = fate.with_context(|| format!("{name} is told of as {fates:?}"))?[0];
            exceptions.extend((is_exception && status == 503).then_some(name));
        }
    }
    // Where a rule is told with its exceptions, they are all there.
    for (file, start) in [("README.md", "| **No silent drop.**"), ("docs/guarantees.md", "| 503 `")] {
        let text = read(file)?;
        let rows: String = text.lines().filter(|line| line.starts_with(start)).collect();
        assert_eq!(named(&rows), exceptions, "{file}");
    }
    for operation in Document::get().operations() {
        for (_, response) in operation.node.entries_of("responses").into_iter().filter(|(status, _)| status == "503") {
            let types = response.value().pointer("/content/application~1problem+json/schema/properties/type/enum");
            let types = types.and_then(Value::as_array).into_iter().flatten().map(text);
            let types: BTreeSet<_> = types.map(|name| name.replace(TYPE_PREFIX, "")).collect();
            let here: BTreeSet<_> = exceptions.iter().copied().filter(|name| types.contains(*name)).collect();
            assert_eq!(named(response.text("description")), here, "{}", response.pointer);
        }
    }
    Ok(())
}
