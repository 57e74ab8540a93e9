//! The document and the code have the same problems.

use std::collections::{BTreeMap, BTreeSet};

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
