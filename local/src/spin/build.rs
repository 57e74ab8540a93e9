//! `[component.<id>.build]`: read for its form only; `spin build` and `make` act on it.

use serde::Deserialize;

/// How `spin build` makes the component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the form is checked")]
pub struct Build {
    command: Commands,
    workdir: Option<String>,
    #[serde(default)]
    watch: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a command, or a list of commands")]
#[expect(dead_code, reason = "only the form is checked")]
enum Commands {
    One(String),
    Many(Vec<String>),
}
