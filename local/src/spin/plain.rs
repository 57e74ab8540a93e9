//! Parts of the manifest that are Spin's and not ours.
//!
//! Both types fail where they are met, so the message of the TOML reader points at the line.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

const MESSAGE: &str =
    "Spin knows this setting, but larder-local does not support it: remove it, or run the application with `spin up`";

/// A key that Spin knows and this runtime does not honour: present means refused.
#[derive(Clone, Debug)]
pub enum Unsupported {}

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(MESSAGE))
    }
}

/// A value that Spin takes as a string or as a table; only the string is supported here.
#[derive(Clone, Debug)]
pub struct Plain<T>(pub T);

impl<'de, T> Deserialize<'de> for Plain<T>
where
    T: TryFrom<String, Error: fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlainVisitor<T>(PhantomData<T>);

        impl<'de, T: TryFrom<String, Error: fmt::Display>> Visitor<'de> for PlainVisitor<T> {
            type Value = Plain<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::try_from(text.to_owned()).map(Plain).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(de::Error::custom(MESSAGE))
            }
        }

        deserializer.deserialize_any(PlainVisitor(PhantomData))
    }
}
