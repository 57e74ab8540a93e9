//! Finding one's way through the document.

use std::ops::Deref;
use std::sync::LazyLock;

use larder_api::service::openapi;
use serde_json::Value;

use super::schema::Schemas;

/// The methods that a path of OpenAPI may have.
const METHODS: [&str; 8] = ["get", "head", "put", "post", "delete", "options", "patch", "trace"];

/// The document of this version.
pub struct Document {
    root: Value,
    pub(super) schemas: Schemas,
}

/// A part of the document, and where it is.
#[derive(Clone)]
pub struct Node<'a> {
    document: &'a Document,
    /// The JSON pointer (RFC 6901) of the part.
    pub pointer: String,
    value: &'a Value,
}

/// What a method does at a path.
#[derive(Clone)]
pub struct Operation<'a> {
    /// The template, e.g. `/items/{id}`.
    pub path: &'a str,
    /// In lower case, as in the document.
    pub method: &'a str,
    /// The operation object.
    pub node: Node<'a>,
}

impl Document {
    /// The document that the component serves.
    #[must_use]
    pub fn get() -> &'static Self {
        static GET: LazyLock<Document> = LazyLock::new(|| {
            let root = serde_json::from_slice(&openapi::document()).expect("the document is JSON");
            let schemas = Schemas::of(&root);
            Document { root, schemas }
        });
        &GET
    }

    /// The part at a JSON pointer; a reference is followed.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<Node<'_>> {
        let value = self.root.pointer(pointer)?;
        match value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
            // Beside a reference, only a schema may have something else.
            Some(target) if value.as_object().is_some_and(|object| object.len() == 1) => self.at(target),
            _ => Some(Node { document: self, pointer: pointer.to_owned(), value }),
        }
    }

    /// All operations.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.root["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, _)| METHODS.into_iter().filter_map(|method| self.operation(path, method)))
    }

    fn operation<'a>(&'a self, path: &'a str, method: &'a str) -> Option<Operation<'a>> {
        let node = self.at(&pointer(&["paths", path, method]))?;
        Some(Operation { path, method, node })
    }

    /// The operation that a request names by its method and its path, percent-encoded.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let method = METHODS.into_iter().find(|known| known.eq_ignore_ascii_case(method))?;
        self.paths(path).find_map(|template| self.operation(template, method))
    }

    /// The methods of a path, in lower case.
    pub fn methods(&self, path: &str) -> impl Iterator<Item = &'static str> {
        METHODS.into_iter().filter(move |method| self.find(method, path).is_some())
    }

    /// The templates that match a path, the plain one first.
    pub fn paths<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> {
        let templates = self.root["paths"].as_object().into_iter().flatten().map(|(template, _)| template.as_str());
        let mut matching: Vec<_> = templates.filter(|template| matches(template, path)).collect();
        matching.sort_by_key(|template| template.contains('{'));
        matching.into_iter()
    }
}

/// A parameter stands for all of the rest: ids may hold slashes.
fn matches(template: &str, path: &str) -> bool {
    match template.split_once('{') {
        Some((start, _)) => path.starts_with(start),
        None => template == path,
    }
}

impl<'a> Operation<'a> {
    /// All parameters: the operation's own and those of its path.
    #[must_use]
    pub fn parameters(&self) -> Vec<Node<'a>> {
        let document = self.node.document;
        let of_path = document.at(&pointer(&["paths", self.path, "parameters"]));
        let own = self.node.get("parameters");
        [of_path, own].into_iter().flatten().flat_map(|list| list.entries()).map(|(_, node)| node).collect()
    }
}

impl std::fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.to_ascii_uppercase(), self.path)
    }
}

impl<'a> Node<'a> {
    /// A member, references followed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Self> {
        self.document.at(&format!("{}{}", self.pointer, pointer(&[name])))
    }

    /// The members of an object or array with their names, references followed.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Self)> {
        let names: Vec<String> = match self.value {
            Value::Object(members) => members.keys().cloned().collect(),
            Value::Array(elements) => (0..elements.len()).map(|n| n.to_string()).collect(),
            _ => vec![],
        };
        names.into_iter().filter_map(|name| Some((name.clone(), self.get(&name)?))).collect()
    }

    /// The members of a member; none where that is missing.
    #[must_use]
    pub fn entries_of(&self, name: &str) -> Vec<(String, Self)> {
        self.get(name).map(|node| node.entries()).unwrap_or_default()
    }

    /// A text of this object; empty where it is missing.
    #[must_use]
    pub fn text(&self, name: &str) -> &'a str {
        self.value.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Checks a value against the schema that this node is.
    ///
    /// # Errors
    /// What does not fit.
    pub fn validate(&self, value: &Value) -> anyhow::Result<()> {
        self.document.schemas.validate(&self.pointer, value)
    }

    /// The value itself.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }
}

impl Deref for Node<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value
    }
}

/// The JSON pointer with these tokens.
fn pointer(tokens: &[&str]) -> String {
    tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}
