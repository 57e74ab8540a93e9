//! Which store is meant, with which token, and what may be done to it.
//!
//! What stands on the command line counts before the environment, and that before the current context. A context
//! that is named on the command line brings its own URL and token: `LARDER_URL` and `LARDER_TOKEN` are for another
//! store then. And the token of a context goes to the URL of that context and to no other.

mod contexts;
mod token;

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueEnum};
use reqwest::Url;

pub use contexts::{Context, Contexts};
pub use token::Token;

use crate::client::{Admin, Client, Control};
use crate::failure::Failure;

/// Where a store is that `make up` started.
const DEFAULT_URL: &str = "http://127.0.0.1:3000";

/// Where the worker's control server is by default.
const DEFAULT_WORKER: &str = "http://127.0.0.1:9465";

/// What every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The address of the store. By default that of the current context, or http://127.0.0.1:3000.
    #[arg(long, global = true, env = "LARDER_URL", value_name = "URL", value_parser = url)]
    pub url: Option<Url>,

    /// The context to take, by its name. By default the current one (`larder context use`).
    #[arg(long, global = true, env = "LARDER_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,

    /// The file that has the access token; its mode must be 600. LARDER_TOKEN may have the token itself.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// The admin server of a worker (its --admin-listen), for `status` and `top`.
    #[arg(long, global = true, env = "LARDER_ADMIN", value_name = "URL", value_parser = url)]
    pub admin: Option<Url>,

    /// The control server of a worker (its --control-listen), for `dead`. By default http://127.0.0.1:9465.
    #[arg(long, global = true, env = "LARDER_WORKER_CONTROL", value_name = "URL", value_parser = url)]
    pub worker: Option<Url>,

    /// Refuse whatever writes.
    #[arg(long, global = true, env = "LARDER_READ_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub read_only: bool,

    /// For people, or JSON: one object, or one per line.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub output: Output,

    /// The same as --output json.
    #[arg(long, global = true)]
    pub json: bool,

    /// How often to repeat a request that got no answer, 429 or 503. Writes are done once however often.
    #[arg(long, global = true, value_name = "N", default_value_t = 5)]
    pub retries: u8,

    /// The file with the contexts. By default larder/contexts.toml in the folder of your settings.
    #[arg(long, global = true, env = "LARDER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The form of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Human,
    Json,
}

impl Global {
    /// Whether it is for programs.
    pub fn is_json(&self) -> bool {
        self.json || self.output == Output::Json
    }
}

/// The settings, and where those came from that decide which store is meant.
pub struct Settings {
    global: Global,
    url_is_explicit: bool,
    context_is_explicit: bool,
}

/// A store that is meant.
pub struct Place {
    /// The context that it comes from.
    pub name: Option<String>,
    pub url: Url,
    pub token: Option<Token>,
    pub admin: Option<Url>,
    pub worker: Option<Url>,
    pub read_only: bool,
}

impl Settings {
    /// Takes the settings from the command line and the environment.
    pub fn resolve(global: Global, matches: &ArgMatches) -> Self {
        let explicit = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        Self { global, url_is_explicit: explicit("url"), context_is_explicit: explicit("context") }
    }

    /// Whether to tell things in JSON.
    pub fn json(&self) -> bool {
        self.global.is_json()
    }

    /// The options as they were given.
    pub fn global(&self) -> &Global {
        &self.global
    }

    /// Where the contexts are.
    ///
    /// # Errors
    /// As [`Contexts::path`].
    pub fn contexts_file(&self) -> anyhow::Result<PathBuf> {
        Contexts::path(self.global.config.as_deref())
    }

    /// The store that is meant.
    ///
    /// # Errors
    /// A context that is not there, a token that cannot be read.
    pub fn place(&self) -> anyhow::Result<Place> {
        if self.url_is_explicit && self.context_is_explicit {
            return Err(Failure::Usage("--url and --context name a store each; give one of them".to_owned()).into());
        }
        let global = &self.global;
        let read_only = global.read_only;
        let by_url = |url: Url| -> anyhow::Result<Place> {
            let token = self.token(None)?;
            Ok(Place { name: None, url, token, admin: global.admin.clone(), worker: global.worker.clone(), read_only })
        };
        match &global.url {
            Some(url) if !self.context_is_explicit => return by_url(url.clone()),
            _ => {}
        }
        let contexts = Contexts::load(&self.contexts_file()?)?;
        let Some(name) = global.context.as_ref().or(contexts.current.as_ref()) else {
            return by_url(DEFAULT_URL.parse()?);
        };
        self.named(name, contexts.get(name)?)
    }

    /// The store of a context, whichever is current.
    ///
    /// # Errors
    /// As [`Settings::place`].
    pub fn place_of(&self, name: &str) -> anyhow::Result<Place> {
        let contexts = Contexts::load(&self.contexts_file()?)?;
        let context = contexts.get(name)?;
        let token = context.token_file.as_deref().map(Token::read).transpose()?;
        Ok(Place { name: Some(name.to_owned()), token, ..self.bare(context) })
    }

    fn named(&self, name: &str, context: &Context) -> anyhow::Result<Place> {
        let token = self.token(context.token_file.as_deref())?;
        Ok(Place { name: Some(name.to_owned()), token, ..self.bare(context) })
    }

    fn bare(&self, context: &Context) -> Place {
        let global = &self.global;
        Place {
            name: None,
            url: context.url.clone(),
            token: None,
            admin: global.admin.clone().or_else(|| context.admin.clone()),
            worker: global.worker.clone().or_else(|| context.worker.clone()),
            read_only: global.read_only || context.read_only,
        }
    }

    fn token(&self, of_context: Option<&Path>) -> anyhow::Result<Option<Token>> {
        if let Some(file) = &self.global.token_file {
            return Token::read(file).map(Some);
        }
        let environment = std::env::var("LARDER_TOKEN").ok().filter(|token| !token.trim().is_empty());
        match (of_context, environment) {
            (Some(file), _) if self.context_is_explicit => Token::read(file).map(Some),
            (_, Some(token)) => Ok(Some(Token::new(&token))),
            (Some(file), None) => Token::read(file).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The token alone, for what asks no store.
    ///
    /// # Errors
    /// As [`Settings::place`].
    pub fn bearer(&self) -> anyhow::Result<Option<Token>> {
        self.token(None)
    }

    /// A client of the store that is meant.
    ///
    /// # Errors
    /// As [`Settings::place`] and [`Client::new`].
    pub fn client(&self) -> anyhow::Result<Client> {
        self.client_of(&self.place()?)
    }

    /// A client of this store.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client_of(&self, place: &Place) -> anyhow::Result<Client> {
        Client::new(&place.url, place.token.as_ref(), self.retries())
    }

    /// How often to repeat a request.
    pub fn retries(&self) -> usize {
        self.global.retries.into()
    }
}

impl Place {
    /// What to call it, so that nobody mistakes one store for another.
    pub fn described(&self) -> String {
        let url = self.url.as_str().trim_end_matches('/');
        self.name.as_ref().map_or_else(|| url.to_owned(), |name| format!("{name} ({url})"))
    }

    /// Lets pass whoever would write, unless the switch is on.
    ///
    /// # Errors
    /// [`Failure::ReadOnly`].
    pub fn writable(self) -> Result<Self, Failure> {
        match (self.read_only, &self.name) {
            (false, _) => Ok(self),
            (true, Some(_)) => Err(Failure::ReadOnly("--read-only, LARDER_READ_ONLY or the context's read_only")),
            (true, None) => Err(Failure::ReadOnly("--read-only or LARDER_READ_ONLY")),
        }
    }

    /// The admin server of one of its workers, where that is known.
    ///
    /// # Errors
    /// As [`Admin::new`].
    pub fn admin(&self, retries: usize) -> anyhow::Result<Option<Admin>> {
        self.admin.as_ref().map(|url| Admin::new(url, retries)).transpose()
    }

    /// The control server of one of its workers.
    ///
    /// # Errors
    /// As [`Control::new`].
    pub fn control(&self) -> anyhow::Result<Control> {
        match &self.worker {
            Some(url) => Control::new(url),
            None => Control::new(&DEFAULT_WORKER.parse()?),
        }
    }
}

/// An address of a server. What has a password in it would be told to others, so that is refused.
pub fn url(text: &str) -> Result<Url, String> {
    let right = "expected http://host:port or https://host:port";
    let url: Url = text.parse().map_err(|_| right.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() || url.fragment().is_some()
    {
        return Err(right.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address has no password in it; a token comes from LARDER_TOKEN or a file".to_owned());
    }
    Ok(url)
}
