//! The form of `spin.toml`, version 2.
//!
//! Every key that Spin knows has a field here, so that serde tells a key that Spin would not
//! know from one that only this runtime does not honour ([`Unsupported`]).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::build::Build;
use super::names::{ComponentId, VariableName};
use super::plain::{Plain, Unsupported};
use super::route::Route;

/// A whole manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
pub struct Manifest {
    spin_manifest_version: Version,
    pub application: Details,
    #[serde(default)]
    pub variables: BTreeMap<VariableName, Variable>,
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<ComponentId, Component>,
}

/// The only version of the format that is read here.
#[derive(Debug, Deserialize)]
#[serde(try_from = "i64")]
struct Version;

impl TryFrom<i64> for Version {
    type Error = String;

    fn try_from(version: i64) -> Result<Self, String> {
        if version == 2 { Ok(Self) } else { Err(format!("the manifest is of version {version}; it has to be 2")) }
    }
}

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
pub struct Details {
    pub name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    /// Checked by `spin build`.
    #[serde(default)]
    targets: Vec<toml::Value>,
    trigger: Option<Unsupported>,
    /// For other tools; Spin ignores it too.
    #[serde(default)]
    tool: toml::Table,
}

/// A variable of the application: `[variables]`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "VariableForm")]
pub struct Variable {
    /// None: a value has to be given from outside.
    pub default: Option<String>,
    /// Whether its value must not be shown.
    pub secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
struct VariableForm {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    description: Option<String>,
}

impl TryFrom<VariableForm> for Variable {
    type Error = &'static str;

    fn try_from(form: VariableForm) -> Result<Self, &'static str> {
        match (&form.default, form.required) {
            (None, false) => Err("the variable has neither a `default` nor `required = true`: give it one of them"),
            (Some(_), true) => Err("the variable has a `default` and `required = true`: remove one of them"),
            _ => Ok(Self { default: form.default, secret: form.secret }),
        }
    }
}

/// `[[trigger.<kind>]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    redis: Option<Unsupported>,
    mqtt: Option<Unsupported>,
    cron: Option<Unsupported>,
    sqs: Option<Unsupported>,
    command: Option<Unsupported>,
}

/// `[[trigger.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
pub struct HttpTrigger {
    pub route: Plain<Route>,
    pub component: Plain<ComponentId>,
    #[serde(default)]
    id: String,
    executor: Option<Unsupported>,
    components: Option<Unsupported>,
    dependencies: Option<Unsupported>,
    static_response: Option<Unsupported>,
}

/// `[component.<id>]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are read for their form only")]
pub struct Component {
    /// Path of the Wasm file, relative to the manifest.
    pub source: Plain<String>,
    /// Templates over the variables of the application.
    #[serde(default)]
    pub variables: BTreeMap<VariableName, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Templates over the variables of the application.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    description: String,
    build: Option<Build>,
    #[serde(default)]
    targets: Vec<toml::Value>,
    #[serde(default)]
    tool: toml::Table,
    files: Option<Unsupported>,
    exclude_files: Option<Unsupported>,
    allowed_http_hosts: Option<Unsupported>,
    key_value_stores: Option<Unsupported>,
    sqlite_databases: Option<Unsupported>,
    ai_models: Option<Unsupported>,
    dependencies_inherit_configuration: Option<Unsupported>,
    dependencies: Option<Unsupported>,
    profile: Option<Unsupported>,
}
