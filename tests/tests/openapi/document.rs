//! The document fits itself.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use larder_tests::openapi::{Document, Node};
use serde_json::Value;

use crate::Tested;
use crate::example::Example;

/// Checks the examples of a parameter or of a content against its schema.
fn check_examples(place: &Node<'_>) -> Tested {
    for (name, example) in place.entries_of("examples") {
        let value = example.value().get("value").with_context(|| format!("{} {name} has no value", place.pointer))?;
        match (place.get("x-larder-line"), place.get("schema")) {
            (Some(schema), _) => {
                let lines = value.as_str().context("lines are a text")?.lines().map(serde_json::from_str::<Value>);
                lines.into_iter().try_for_each(|line| schema.validate(&line?))?;
            }
            (None, Some(schema)) => schema.validate(value)?,
            (None, None) => {}
        }
    }
    Ok(())
}

#[test]
fn every_example_fits_its_schema() -> Tested {
    for operation in Document::get().operations() {
        for parameter in operation.parameters() {
            check_examples(&parameter).with_context(|| format!("{operation} {}", parameter.text("name")))?;
        }
        for (media_type, media) in operation.node.get("requestBody").iter().flat_map(|body| body.entries_of("content"))
        {
            check_examples(&media).with_context(|| format!("{operation} {media_type}"))?;
        }
    }
    for example in Example::all(Document::get()) {
        let Some(body) = &example.body else { continue };
        check_examples(&body.media).with_context(|| example.to_string())?;
        if body.media_type == "application/problem+json" {
            let status = body.example.value()["value"]["status"].to_string();
            ensure!(status == example.status, "{example} says {status} in its body");
        }
    }
    Ok(())
}

/// A name that is on one side only would be an example that nothing sends.
#[test]
fn every_example_of_a_request_belongs_to_one_of_an_answer_and_the_other_way_round() -> Tested {
    let (mut requests, mut answers) = (HashMap::new(), HashMap::new());
    for operation in Document::get().operations() {
        let bodies = operation.node.get("requestBody").map(|body| body.entries_of("content")).unwrap_or_default();
        let places = operation.parameters().into_iter().chain(bodies.into_iter().map(|(_, media)| media));
        let names: Vec<_> = places.flat_map(|place| place.entries_of("examples")).collect();
        for (_, example) in &names {
            requests.entry(example.pointer.clone()).or_insert(false);
        }
        for example in Example::of(&operation).iter().filter(|example| example.when().is_none()) {
            let is_asked = example.ask()?.is_some();
            *answers.entry((example.response.pointer.clone(), example.name.clone())).or_insert(false) |= is_asked;
            for (_, request) in names.iter().filter(|(name, _)| is_asked && *name == example.name) {
                requests.insert(request.pointer.clone(), true);
            }
        }
    }
    let lonely_requests: Vec<_> = requests.into_iter().filter(|(_, has_answer)| !has_answer).collect();
    let lonely_answers: Vec<_> = answers.into_iter().filter(|(_, is_asked)| !is_asked).collect();
    assert!(lonely_requests.is_empty() && lonely_answers.is_empty(), "{lonely_requests:?} {lonely_answers:?}");
    Ok(())
}
