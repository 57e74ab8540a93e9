//! JSON as it was written, opened as far as a patch reaches into it.
//!
//! A value is its text until something inside it is asked for; then it is a list of such texts. So what a patch does not
//! touch stays as it is, byte for byte: each digit, escape and space. No text is taken for anything but JSON: a parser
//! that keeps numbers as text must mark them, and a client could write the mark.

mod equal;

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use jsonptr::{Pointer, Token};
use larder_protocol::limits::MAX_JSON_DEPTH;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// As it was written: a scalar, or what is not opened.
    Text(&'a str),
    /// An opened array.
    Array(Vec<Json<'a>>),
    /// An opened object.
    Object(Members<'a>),
}

/// The members of an object, by their names; of those with one name the last counts.
pub type Members<'a> = IndexMap<Cow<'a, str>, Member<'a>>;

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its name as it was written, in quotes.
    written: Cow<'a, str>,
    /// Its value.
    pub value: Json<'a>,
}

impl<'a> Json<'a> {
    /// Nothing.
    pub const NULL: Self = Self::Text("null");

    /// Reads a document, of [`MAX_JSON_DEPTH`] levels at most.
    pub fn parse(json: &'a [u8]) -> serde_json::Result<Self> {
        let text = Self::Text(serde_json::from_slice::<&RawValue>(json)?.get());
        if text.depth() > MAX_JSON_DEPTH {
            let message = format!("more than {MAX_JSON_DEPTH} arrays and objects are inside each other");
            return Err(serde_json::Error::custom(message));
        }
        Ok(text)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Text("null"))
    }

    /// How many arrays and objects are inside each other.
    pub fn depth(&self) -> usize {
        match self {
            Self::Text(text) => depth(text),
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Object(members) => 1 + members.values().map(|member| member.value.depth()).max().unwrap_or_default(),
        }
    }

    /// The same, opened if it is an array or an object.
    pub fn opened(self) -> Self {
        const VALID: &str = "it was read before";
        match self {
            Self::Text(text) if text.starts_with('[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).expect(VALID);
                Self::Array(elements.into_iter().map(|element| Self::Text(element.get())).collect())
            }
            Self::Text(text) if text.starts_with('{') => {
                Self::Object(serde_json::from_str::<Opened>(text).expect(VALID).0)
            }
            opened => opened,
        }
    }

    /// Opens it, and answers it.
    pub fn open(&mut self) -> &mut Self {
        *self = std::mem::replace(self, Self::NULL).opened();
        self
    }

    /// The value that the pointer names (RFC 6901).
    pub fn at(&mut self, pointer: &Pointer) -> Option<&mut Self> {
        pointer.tokens().try_fold(self, |value, token| match value.open() {
            Self::Object(members) => members.get_mut(&*token.decoded()).map(|member| &mut member.value),
            Self::Array(elements) => {
                let at = index(&token, elements.len())?;
                elements.get_mut(at)
            }
            Self::Text(_) => None,
        })
    }

    /// Adds its text.
    pub fn write(&self, text: &mut String) {
        match self {
            Self::Text(written) => text.push_str(written),
            Self::Array(elements) => {
                text.push('[');
                for (n, element) in elements.iter().enumerate() {
                    text.push_str(if n == 0 { "" } else { "," });
                    element.write(text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (n, Member { written, value }) in members.values().enumerate() {
                    text.push_str(if n == 0 { "" } else { "," });
                    text.push_str(written);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl Member<'_> {
    /// A member of this name that is null.
    pub fn new(name: &str) -> Self {
        let written = serde_json::to_string(name).expect("a string is JSON");
        Self { written: written.into(), value: Json::NULL }
    }

    /// The same without its value.
    pub fn empty(&self) -> Self {
        Self { written: self.written.clone(), value: Json::NULL }
    }
}

/// The element of an array of so many that a token names.
pub fn index(token: &Token, length: usize) -> Option<usize> {
    token.to_index().ok()?.for_len(length).ok()
}

/// The depth of a text that is JSON.
fn depth(json: &str) -> usize {
    let (mut level, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' if !in_string => level -= 1,
            _ => {}
        }
    }
    deepest
}

/// The text of a string that is written in quotes; what its escapes stand for may be no text.
fn decoded(written: &str) -> Cow<'_, str> {
    if !written.contains('\\') {
        return written.trim_matches('"').into();
    }
    serde_json::from_str::<String>(written).map_or(written.into(), Cow::Owned)
}

struct Opened<'a>(Members<'a>);

impl<'a> Deserialize<'a> for Opened<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Opener)
    }
}

struct Opener;

impl<'a> Visitor<'a> for Opener {
    type Value = Opened<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::new();
        while let Some((name, value)) = object.next_entry::<&RawValue, &RawValue>()? {
            let member = Member { written: name.get().into(), value: Json::Text(value.get()) };
            members.insert(decoded(name.get()), member);
        }
        Ok(Opened(members))
    }
}
