//! The document's examples of answers.

use anyhow::Context;
use larder_tests::openapi::{Document, Node, Operation};
use serde_json::Value;

use crate::ask::Ask;

/// An example of an answer, in its place.
pub struct Example<'a> {
    pub operation: Operation<'a>,
    pub status: String,
    pub response: Node<'a>,
    pub name: String,
    /// Its media type, its schema's place and itself; `None` where the answer has no body.
    pub body: Option<Body<'a>>,
}

/// The body of an answer.
pub struct Body<'a> {
    pub media_type: String,
    pub media: Node<'a>,
    pub example: Node<'a>,
}

impl<'a> Example<'a> {
    /// All of them.
    pub fn all(document: &'a Document) -> Vec<Self> {
        document.operations().flat_map(|operation| Self::of(&operation)).collect()
    }

    /// Those of one operation.
    pub fn of(operation: &Operation<'a>) -> Vec<Self> {
        let mut examples = Vec::new();
        for (status, response) in operation.node.entries_of("responses") {
            let mut add = |name: String, body| {
                let (operation, status, response) = (operation.clone(), status.clone(), response.clone());
                examples.push(Self { operation, status, response, name, body });
            };
            for (_, name) in response.entries_of("x-larder-examples") {
                add(name.as_str().unwrap_or_default().to_owned(), None);
            }
            for (media_type, media) in response.entries_of("content") {
                for (name, example) in media.entries_of("examples") {
                    add(name, Some(Body { media_type: media_type.clone(), media: media.clone(), example }));
                }
            }
        }
        examples
    }

    /// What brings the answer about, where no request alone does.
    pub fn when(&self) -> Option<&'a str> {
        self.extension("x-larder-when").and_then(Value::as_str)
    }

    /// The request that has this answer; `None` where the name belongs to another operation that
    /// shares the response.
    pub fn ask(&self) -> anyhow::Result<Option<Ask>> {
        let what = || self.to_string();
        match self.extension("x-larder-request") {
            Some(changes) => Ask::plain(&self.operation)?.change(&self.operation, changes).map(Some).with_context(what),
            None => Ask::named(&self.operation, &self.name).with_context(what),
        }
    }

    fn extension(&self, name: &str) -> Option<&'a Value> {
        self.body.as_ref()?.example.value().get(name)
    }
}

impl std::fmt::Display for Example<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} \"{}\"", self.operation, self.status, self.name)
    }
}
