//! The schemas of the document, compiled when they are first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

/// What the schemas call the document.
const URI: &str = "urn:larder:openapi";

/// The schemas by JSON pointer. In OpenAPI 3.1 they are JSON Schema 2020-12.
pub struct Schemas {
    registry: Registry<'static>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub fn of(document: &Value) -> Self {
        let registry = Registry::new().add(URI, document.clone()).and_then(|registry| registry.prepare());
        Self { registry: registry.expect("all references of the document lead somewhere"), compiled: Mutex::default() }
    }

    /// Checks a value against the schema at `pointer`.
    ///
    /// # Errors
    /// What does not fit, all of it.
    pub fn validate(&self, pointer: &str, value: &Value) -> anyhow::Result<()> {
        let validator = self.compile(pointer)?;
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{e} (at {})", e.instance_path())).collect();
        ensure!(errors.is_empty(), "{value} is not as {pointer} wants it: {}", errors.join("; "));
        Ok(())
    }

    fn compile(&self, pointer: &str) -> anyhow::Result<Arc<Validator>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(pointer) {
            return Ok(validator.clone());
        }
        let validator = jsonschema::options()
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&json!({ "$ref": format!("{URI}#{}", escape(pointer)) }))
            .with_context(|| format!("the schema at {pointer}"))?;
        let validator = Arc::new(validator);
        compiled.insert(pointer.to_owned(), validator.clone());
        Ok(validator)
    }
}

/// A JSON pointer as the fragment of a URI (RFC 6901 §6).
fn escape(pointer: &str) -> String {
    percent_encoding::utf8_percent_encode(pointer, FRAGMENT).to_string()
}

const FRAGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'{').add(b'}').add(b'%').add(b'<').add(b'>').add(b'`');
