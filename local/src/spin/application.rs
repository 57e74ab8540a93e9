//! An application, ready to run: the manifest with the values of this run put in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::allowed_hosts::{AllowedHost, AllowedHosts};
use super::manifest::Manifest;
use super::names::ComponentId;
use super::route::Route;
use super::variables::Variables;
use crate::embedded::Embedded;

/// What the runtime needs to know of an application with one component.
#[derive(Debug)]
pub struct Application {
    /// The name of the application.
    pub name: String,
    /// The Wasm file of the component.
    pub wasm: PathBuf,
    /// What holds the component in place of that file.
    pub embedded: Option<Embedded>,
    /// The routes that lead to the component, the most exact first: of several that match, that one counts, as with Spin.
    pub routes: Vec<Route>,
    /// The component's own variables, with their values.
    pub variables: BTreeMap<String, String>,
    /// The component's environment variables.
    pub environment: BTreeMap<String, String>,
    /// Where the component may connect to.
    pub allowed_hosts: AllowedHosts,
}

impl Application {
    /// Reads a `spin.toml`. Values of variables come from `environment`, under the names that
    /// Spin takes them from (`SPIN_VARIABLE_<NAME>`), else from their defaults.
    ///
    /// # Errors
    /// Where the file cannot be read, Spin would refuse it, it asks for something that this
    /// runtime cannot do, or a required variable has no value. The message says what would be
    /// right, and does not show the values of secrets.
    pub fn load(path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, environment)
            .with_context(|| format!("{} is not a manifest that can be run", path.display()))
    }

    /// The application that this program holds in itself, as [`Application::load`] reads one.
    ///
    /// # Errors
    /// As there, and where this program holds no component.
    pub fn embedded(embedded: Embedded, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        embedded.component()?;
        let application = Self::parse(embedded.manifest, Path::new(""), environment)?;
        Ok(Self { embedded: Some(embedded), ..application })
    }

    fn parse(text: &str, folder: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut manifest: Manifest = toml::from_str(text)?;
        let variables = Variables::resolve(&manifest.variables, environment)?;
        let id = the_component(&manifest)?;
        // What Spin checks of components that no trigger uses is not worth a second path here.
        ensure!(manifest.component.len() == 1, "larder-local runs applications with one component only");
        let component = manifest.component.remove(&id).context("the component of the trigger is there")?;
        let at = |setting: &str| format!("[component.{}] {setting}", id.as_str());

        let mut values = BTreeMap::new();
        for (name, template) in component.variables {
            let filled = variables.fill(&template).with_context(|| at(&format!("variables.{}", name.as_str())))?;
            values.insert(name.as_str().to_owned(), filled.text);
        }
        let mut hosts = Vec::new();
        for template in component.allowed_outbound_hosts {
            let filled = variables.fill(&template).with_context(|| at("allowed_outbound_hosts"))?;
            // As Spin: a variable that is empty allows nothing.
            if filled.text.is_empty() && !template.is_empty() {
                continue;
            }
            let host: AllowedHost = filled
                .text
                .parse()
                .with_context(|| at(&format!("allowed_outbound_hosts: \"{}\" is refused", filled.shown)))?;
            hosts.push(host);
        }
        let mut routes: Vec<Route> = manifest.trigger.http.into_iter().map(|trigger| trigger.route.0).collect();
        routes.sort_by_key(|route| Reverse(route.exactness()));
        Ok(Self {
            name: manifest.application.name,
            wasm: folder.join(component.source.0),
            embedded: None,
            routes,
            variables: values,
            environment: component.environment,
            allowed_hosts: AllowedHosts::new(hosts),
        })
    }

    /// Makes sure that the component is there.
    ///
    /// # Errors
    /// Where it is not, with what builds it.
    pub fn check_built(&self) -> Result<()> {
        let wasm = self.wasm.display();
        ensure!(
            self.embedded.is_some() || self.wasm.is_file(),
            "the component {wasm} is not built: run `make component` or `spin build`"
        );
        Ok(())
    }

    /// The route by which a request with this path comes to the component, and its number among the routes.
    #[must_use]
    pub fn route_of(&self, path: &str) -> Option<(usize, &Route)> {
        self.routes.iter().enumerate().find(|(_, route)| route.matches(path))
    }
}

/// The component that the HTTP triggers name.
fn the_component(manifest: &Manifest) -> Result<ComponentId> {
    let Some(first) = manifest.trigger.http.first() else {
        bail!("the manifest has no [[trigger.http]], so nothing would be served");
    };
    for trigger in &manifest.trigger.http {
        let id = &trigger.component.0;
        if !manifest.component.contains_key(id) {
            let there: Vec<_> = manifest.component.keys().map(ComponentId::as_str).collect();
            bail!(
                "[[trigger.http]] names the component \"{}\", but the manifest has only these: {}",
                id.as_str(),
                there.join(", ")
            );
        }
    }
    Ok(first.component.0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
spin_manifest_version = 2

[application]
name = "larder"

[variables]
redis_address = { default = "redis://127.0.0.1:6379" }
token = { required = true, secret = true }

[[trigger.http]]
route = "/..."
component = "api"

[component.api]
source = "api.wasm"
allowed_outbound_hosts = ["{{ redis_address }}", "redis://db:{{token}}"]

[component.api.variables]
address = "{{redis_address}}/0"

[component.api.build]
command = ["true", "true"]
"#;

    fn parse(text: &str) -> Result<Application> {
        Application::parse(text, Path::new("app"), |name| (name == "SPIN_VARIABLE_TOKEN").then(|| "4711".to_owned()))
    }

    /// The whole chain of messages that the manifest gets when `from` is `to` in it.
    fn refusal(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        format!("{:#}", parse(&GOOD.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn values_come_from_the_environment_and_the_defaults() {
        let application = parse(GOOD).unwrap();
        assert_eq!(application.wasm, Path::new("app/api.wasm"));
        assert_eq!(application.variables["address"], "redis://127.0.0.1:6379/0");
        assert!(application.allowed_hosts.allows("redis://db:4711", "redis"));
        assert_eq!(application.route_of("/items/a").map(|(_, route)| route.text()), Some("/..."));
        let message = format!("{:#}", Application::parse(GOOD, Path::new(""), |_| None).unwrap_err());
        assert_eq!(message, "the variable token is required and has no value: set SPIN_VARIABLE_TOKEN");
    }

    #[test]
    fn what_spin_refuses_is_refused() {
        for (from, to, message) in [
            ("version = 2", "version = 1", "version 1; it has to be 2"),
            ("name =", "nam =", "unknown field `nam`"),
            ("[application]", "[app]", "unknown field `app`"),
            ("source =", "sources =", "unknown field `sources`"),
            ("route = \"/...\"", "", "missing field `route`"),
            ("\"/...\"", "\"items\"", "\"items\" is not a route"),
            ("redis_address = {", "redisAddress = {", "lower snake case"),
            ("{ default = \"redis://127.0.0.1:6379\" }", "{ }", "neither a `default` nor `required = true`"),
            ("{ required = true,", "{ required = true, default = \"\",", "remove one of them"),
            ("secret = true", "secrets = true", "unknown field `secrets`"),
            ("component = \"api\"", "component = \"my_api\"", "kebab case"),
            ("component = \"api\"", "component = \"web\"", "\"web\", but the manifest has only these: api"),
            ("\"{{redis_address}}/0\"", "\"{{redis}}\"", "uses the variable \"redis\", which [variables] does not"),
            ("\"{{redis_address}}/0\"", "\"{{redis_address\"", "not closed by }}"),
            ("[\"{{ redis_address }}\"", "[\"{{ redis }}\"", "allowed_outbound_hosts: \"{{ redis }}\" uses"),
            (
                "[\"{{ redis_address }}\"",
                "[\"{{ redis_address }}/0\"",
                "redis://127.0.0.1:6379/0\" is refused: it has a path",
            ),
            ("redis://127.0.0.1:6379", "127.0.0.1:6379", "it has no scheme"),
            ("command = [\"true\", \"true\"]", "command = 1", "expected a command, or a list of commands"),
        ] {
            let refusal = refusal(from, to);
            assert!(refusal.contains(message), "{from} -> {to}: {refusal}");
        }
    }

    #[test]
    fn what_only_spin_can_do_is_refused_as_such() {
        for (from, to) in [
            ("source =", "files = [\"a\"]\nsource ="),
            ("source =", "key_value_stores = [\"default\"]\nsource ="),
            ("\"api.wasm\"", "{ url = \"https://example.com/a.wasm\", digest = \"sha256:0\" }"),
            ("\"/...\"", "{ private = true }"),
            ("component = \"api\"", "component = { source = \"a.wasm\" }"),
            ("[[trigger.http]]", "[[trigger.redis]]\nchannel = \"a\"\ncomponent = \"api\"\n[[trigger.http]]"),
            ("[component.api.variables]", "[component.api.dependencies]\n\"a:b/c\" = \"1\"\n[component.api.variables]"),
        ] {
            let refusal = refusal(from, to);
            assert!(refusal.contains("larder-local does not support it"), "{from} -> {to}: {refusal}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let refusal = refusal("redis://db:{{token}}", "redis://db:x{{token}}");
        assert!(refusal.contains("{{token}}") && !refusal.contains("4711"), "{refusal}");
    }

    #[test]
    fn the_project_s_own_manifests_are_valid_and_differ_in_the_shell_only() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = |name| std::fs::read_to_string(root.join(name)).unwrap();
        Application::load(&root.join("spin.toml"), |_| None).unwrap();
        Application::load(&root.join("spin-wasip2.toml"), |_| None).unwrap();
        let expected =
            text("spin.toml").replace("larder-wasip3", "larder-wasip2").replace("larder_wasip3", "larder_wasip2");
        assert_eq!(text("spin-wasip2.toml"), expected, "run `make spin-wasip2.toml` and commit what it writes");
        super::super::runtime_config::check(&root.join("runtime-config.toml")).unwrap();
    }
}
