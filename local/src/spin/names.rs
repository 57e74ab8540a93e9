//! The two kinds of names in a manifest: `lower_snake_case` variables, `kebab-case` components.

use serde::Deserialize;

/// The name of a variable: lower-case words with one underscore between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct VariableName(String);

/// The id of a component: words with a hyphen between them, each all lower or all upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ComponentId(String);

/// A name that is not of its kind's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not a [`VariableName`].
    #[error("\"{0}\" is not a variable name: write it in lower snake case, such as redis_address")]
    Variable(String),
    /// Not a [`ComponentId`].
    #[error("\"{0}\" is not a component id: write it in kebab case, such as my-component")]
    Component(String),
}

impl VariableName {
    /// The name as it is written in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn environment_name(&self) -> String {
        format!("SPIN_VARIABLE_{}", self.0.to_ascii_uppercase())
    }
}

impl ComponentId {
    /// The id as it is written in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VariableName {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, InvalidName> {
        let lower = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if words(&name, '_', lower) { Ok(Self(name)) } else { Err(InvalidName::Variable(name)) }
    }
}

impl TryFrom<String> for ComponentId {
    type Error = InvalidName;

    fn try_from(id: String) -> Result<Self, InvalidName> {
        let one_case = |word: &str| {
            let only = |case: fn(&u8) -> bool| word.bytes().all(|b| case(&b) || b.is_ascii_digit());
            only(u8::is_ascii_lowercase) || only(u8::is_ascii_uppercase)
        };
        if words(&id, '-', one_case) { Ok(Self(id)) } else { Err(InvalidName::Component(id)) }
    }
}

/// Whether the name consists of such words, none empty, the first of which starts with a letter.
fn words(name: &str, separator: char, is_word: impl Fn(&str) -> bool) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.split(separator).all(|word| !word.is_empty() && is_word(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_lower_snake_case() {
        for good in ["a", "redis_address", "a1_2b"] {
            assert!(VariableName::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for wrong in ["", "Redis", "redis-address", "1a", "_a", "a_", "a__b", "a.b", "ä"] {
            assert!(VariableName::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn components_are_kebab_case() {
        for good in ["api", "my-api", "API-v2", "a-1"] {
            assert!(ComponentId::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for wrong in ["", "my_api", "Api", "1a", "-a", "a-", "a--b", "a b"] {
            assert!(ComponentId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_environment_name_is_upper_case() {
        let name = VariableName::try_from("redis_address".to_owned()).unwrap();
        assert_eq!(name.environment_name(), "SPIN_VARIABLE_REDIS_ADDRESS");
    }
}
