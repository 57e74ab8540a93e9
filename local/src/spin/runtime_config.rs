//! `runtime-config.toml`: Spin's settings for the machine, as opposed to the application.
//!
//! Larder keeps nothing in Spin, so there is nothing here to honour. The file is read to refuse
//! what Spin would refuse, and what would silently have no effect here.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::plain::Unsupported;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the form is checked")]
struct RuntimeConfig {
    // Nothing is stored, so it does not matter where.
    state_dir: Option<String>,
    log_dir: Option<String>,
    variables_provider: Option<Unsupported>,
    config_provider: Option<Unsupported>,
    key_value_store: Option<Unsupported>,
    sqlite_database: Option<Unsupported>,
    llm_compute: Option<Unsupported>,
    client_tls: Option<Unsupported>,
    outbound_networking: Option<Unsupported>,
    outbound_http: Option<Unsupported>,
    outbound_redis: Option<Unsupported>,
    outbound_pg: Option<Unsupported>,
    outbound_mysql: Option<Unsupported>,
    outbound_mqtt: Option<Unsupported>,
}

/// Checks a runtime configuration file.
///
/// # Errors
/// Where the file cannot be read, holds a key that Spin does not know, or one that has no effect
/// in this runtime.
pub fn check(path: &Path) -> Result<()> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the runtime config {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not a valid runtime config", path.display()))
}

fn parse(text: &str) -> Result<()> {
    toml::from_str::<RuntimeConfig>(text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spin_knows_and_we_do_not_is_refused_as_such() {
        assert!(parse("").is_ok());
        assert!(parse("state_dir = \"\"\nlog_dir = \"logs\"").is_ok());
        let error = parse("[key_value_store.default]\ntype = \"redis\"").unwrap_err().to_string();
        assert!(error.contains("larder-local does not support it"), "{error}");
        let error = parse("stat_dir = \"\"").unwrap_err().to_string();
        assert!(error.contains("unknown field `stat_dir`"), "{error}");
    }
}
