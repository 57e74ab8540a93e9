//! `larder context`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Url;
use serde_json::json;

use crate::failure::Failure;
use crate::settings::{Context, Contexts, Settings, Token, url};
use crate::terminal;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keeps the address of a store under a name. The first one becomes the current.
    Add(Add),
    /// Lists the contexts; the current one has a star.
    List,
    /// Makes a context the current one.
    Use(Name),
    /// Forgets a context. Its token file stays.
    Remove(Name),
}

/// The global --token-file, --admin, --worker and --read-only go into the context.
#[derive(Debug, Args)]
pub struct Add {
    /// What to call it.
    name: String,

    /// The address of the store.
    #[arg(value_parser = url)]
    address: Url,
}

#[derive(Debug, Args)]
pub struct Name {
    /// What it is called.
    name: String,
}

impl Command {
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let path = settings.contexts_file()?;
        let mut contexts = Contexts::load(&path)?;
        match self {
            Self::List => return list(&contexts, settings),
            Self::Add(Add { name, address }) => {
                let context = settings.context(address)?;
                if let Some(file) = &context.token_file {
                    // What is wrong with it is better told now.
                    Token::read(file)?;
                }
                contexts.contexts.insert(name.clone(), context);
                contexts.current.get_or_insert(name);
            }
            Self::Use(Name { name }) => {
                contexts.get(&name)?;
                contexts.current = Some(name);
            }
            Self::Remove(Name { name }) => {
                contexts.get(&name)?;
                contexts.contexts.remove(&name);
                if contexts.current.as_ref() == Some(&name) {
                    contexts.current = None;
                }
            }
        }
        contexts.save(&path)?;
        match &contexts.current {
            Some(current) => eprintln!("The current context is {current}."),
            None => eprintln!("There is no current context."),
        }
        Ok(())
    }
}

fn list(contexts: &Contexts, settings: &Settings) -> anyhow::Result<()> {
    for (name, context) in &contexts.contexts {
        let Context { url, token_file, read_only, .. } = context;
        let is_current = contexts.current.as_ref() == Some(name);
        if settings.json() {
            let mut told = serde_json::to_value(context)?;
            told["name"] = json!(name);
            told["current"] = json!(is_current);
            terminal::say_json(&told)?;
            continue;
        }
        let star = if is_current { '*' } else { ' ' };
        let token = token_file.as_ref().map(|file| format!("  token in {}", file.display())).unwrap_or_default();
        let only = if *read_only { "  read-only" } else { "" };
        terminal::say(&format!("{star} {name:<16}  {url}{token}{only}"))?;
    }
    Ok(())
}

impl Settings {
    /// A context of the global options.
    fn context(&self, url: Url) -> anyhow::Result<Context> {
        let global = self.global();
        let absolute = |file: &PathBuf| std::path::absolute(file);
        let token_file =
            global.token_file.as_ref().map(absolute).transpose().map_err(|error| Failure::Usage(error.to_string()))?;
        let (admin, worker) = (global.admin.clone(), global.worker.clone());
        Ok(Context { url, token_file, admin, worker, read_only: global.read_only })
    }
}
