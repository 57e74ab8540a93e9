//! How the store says that it did not do what was asked (RFC 9457).

use larder_api::web::problem::TYPE_PREFIX;
use serde::{Deserialize, Serialize};

/// A problem document. What is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Problem {
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
}

impl Problem {
    /// The last part of its type, by which programs tell one from another.
    pub fn kind(&self) -> &str {
        self.r#type.strip_prefix(TYPE_PREFIX).unwrap_or_default()
    }

    /// What it says, for people.
    pub fn told(&self) -> String {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        format!("{text} ({} {})", self.status, if self.kind().is_empty() { &self.title } else { self.kind() })
    }
}
