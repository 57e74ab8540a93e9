//! The variables of the application and their values.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::manifest::Variable;
use super::names::VariableName;
use super::template::Template;

/// Every declared variable with the value that it has in this run.
pub struct Variables {
    values: BTreeMap<String, Value>,
}

struct Value {
    text: String,
    secret: bool,
}

/// What a template became.
pub struct Filled {
    /// The text with the values in it.
    pub text: String,
    /// The same for messages: the template itself where a value in it is secret.
    pub shown: String,
}

impl Variables {
    /// Takes each value from the environment, else the default.
    ///
    /// # Errors
    /// Where a required variable has no value.
    pub fn resolve(
        declared: &BTreeMap<VariableName, Variable>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, variable) in declared {
            let key = name.environment_name();
            let Some(text) = environment(&key).or_else(|| variable.default.clone()) else {
                bail!("the variable {} is required and has no value: set {key}", name.as_str());
            };
            values.insert(name.as_str().to_owned(), Value { text, secret: variable.secret });
        }
        Ok(Self { values })
    }

    /// Puts the values into a template.
    ///
    /// # Errors
    /// Where the template is malformed or names a variable that is not declared.
    pub fn fill(&self, template: &str) -> Result<Filled> {
        let template = Template::parse(template)?;
        let text = template.fill(|name| match self.values.get(name) {
            Some(value) => Ok(value.text.as_str()),
            None => bail!("\"{template}\" uses the variable \"{name}\", which [variables] does not declare"),
        })?;
        let secret = template.names().any(|name| self.values.get(name).is_some_and(|value| value.secret));
        let shown = if secret { template.to_string() } else { text.clone() };
        Ok(Filled { text, shown })
    }
}
