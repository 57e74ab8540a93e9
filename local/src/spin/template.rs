//! Strings with `{{ variable }}` in them.

use std::fmt;

/// A parsed template. It prints as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// A `{{` without its `}}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" has a {{{{ that is not closed by }}}}")]
pub struct Unclosed(String);

impl Template {
    /// # Errors
    /// [`Unclosed`]
    pub fn parse(text: &str) -> Result<Self, Unclosed> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| Unclosed(text.to_owned()))?;
            parts.extend([Part::Text(before.to_owned()), Part::Variable(name.trim().to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The names between the braces, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with the variables put in.
    ///
    /// # Errors
    /// What `value` says of a name.
    pub fn fill<'v, E>(&self, mut value: impl FnMut(&str) -> Result<&'v str, E>) -> Result<String, E> {
        let mut filled = String::new();
        for part in &self.parts {
            filled.push_str(match part {
                Part::Text(text) => text,
                Part::Variable(name) => value(name)?,
            });
        }
        Ok(filled)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        Template::parse(text).unwrap().fill(|name| if name == "a" { Ok("1") } else { Err(name.to_owned()) }).unwrap()
    }

    #[test]
    fn spaces_inside_the_braces_are_optional() {
        for (text, filled) in [("", ""), ("x", "x"), ("{{a}}", "1"), ("x{{  a }}y{{ a}}", "x1y1"), ("{a} }}", "{a} }}")]
        {
            assert_eq!(fill(text), filled, "{text}");
        }
    }

    #[test]
    fn braces_have_to_be_closed() {
        assert_eq!(Template::parse("x{{ a").unwrap_err().to_string(), "\"x{{ a\" has a {{ that is not closed by }}");
    }
}
