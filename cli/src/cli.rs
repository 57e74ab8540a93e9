//! The command line. What each command takes is in its own file.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use larder_operator::dead::DeadCommand;
use larder_operator::token::TokenCommand;

use crate::command::{
    bench, completions, context, cp, diff, edit, export, get, import, ls, man, put, rm, status, top, watch,
};
use crate::settings::Global;

const STYLES: Styles =
    Styles::styled().header(AnsiColor::Green.on_default().bold()).usage(AnsiColor::Green.on_default().bold());

/// Reads and writes the items of a Larder store.
///
/// Which store: --url or LARDER_URL, or a context (`larder context add`), or http://127.0.0.1:3000.
/// The access token comes from LARDER_TOKEN or a file, never from the command line.
///
/// It exits with 0 when it did what it was told; 1: no such item, or there are differences; 2: the command line
/// or a setting is wrong; 3: a condition did not hold; 4: not allowed; 5: the store cannot be reached or cannot do
/// it now; 6: some of many were not done; 7: anything else.
#[derive(Debug, Parser)]
#[command(name = "larder", version, styles = STYLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads an item: its value to stdout, as it is.
    Get(get::Get),
    /// Stores an item.
    Put(put::Put),
    /// Deletes items, or all with a prefix.
    Rm(rm::Rm),
    /// Lists items: ids, a table, folders or a tree.
    Ls(ls::Ls),
    /// Copies an item, with its type and metadata, and its end.
    Cp(cp::Cp),
    /// Edits an item in your editor, and stores it if nobody else has changed it meanwhile.
    Edit(edit::Edit),
    /// Follows what changes, as it happens.
    Watch(watch::Watch),
    /// Writes items to a file as JSON lines, with all that belongs to them.
    Export(export::Export),
    /// Stores the items of an export.
    Import(import::Import),
    /// Tells how two stores differ, or a store and an export.
    Diff(diff::Diff),
    /// Measures reads and writes of the store, from here.
    Bench(bench::Bench),
    /// Tells whether the store is well, and if not, what is wrong.
    Status(status::Status),
    /// Shows how the store is doing, live.
    Top(top::Top),
    /// Makes, lists and checks access tokens. It asks no store.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Shows, retries and drops the writes that could never be applied.
    ///
    /// They are not part of the public API: this asks the control server of a worker, which listens on its own
    /// machine only (http://127.0.0.1:9465; --worker, LARDER_WORKER_CONTROL or the context's). On Kubernetes:
    /// kubectl port-forward deploy/larder-worker 9465.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Keeps the addresses of your stores under names.
    #[command(subcommand)]
    Context(context::Command),
    /// Prints what completes the commands in a shell.
    Completions(completions::Completions),
    /// Prints the man page.
    Man(man::Man),
}

#[cfg(test)]
mod tests {
    use clap::{Command as Definition, CommandFactory as _};

    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/cli.md");

    /// The part of the document behind this heading.
    fn section(heading: &str) -> &'static str {
        let start = DOCUMENT.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("docs/cli.md has no {heading}"));
        let text = &DOCUMENT[start + heading.len() + 1..];
        let end = ["\n# ", "\n## ", "\n### "].iter().filter_map(|next| text.find(next)).min();
        &text[..end.unwrap_or(text.len())]
    }

    /// Its own flags, those of what is below it included, and not those that every command has.
    fn flags(definition: &Definition) -> Vec<String> {
        let own = definition.get_arguments().filter(|argument| !argument.is_global_set());
        let own = own.filter_map(|argument| argument.get_long()).filter(|long| !matches!(*long, "help" | "version"));
        let own: Vec<_> = own.map(|long| format!("--{long}")).collect();
        own.into_iter().chain(definition.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_document_names_every_command_and_flag() {
        let definition = Cli::command();
        for command in definition.get_subcommands() {
            let name = command.get_name();
            let text = section(&format!("### {name}"));
            for flag in flags(command) {
                assert!(text.contains(&flag), "### {name} of docs/cli.md does not name {flag}");
            }
            for below in command.get_subcommands() {
                let line = format!("larder {name} {}", below.get_name());
                assert!(text.contains(&line), "### {name} of docs/cli.md does not show `{line}`");
            }
        }
        for argument in definition.get_arguments().filter(|argument| argument.is_global_set()) {
            let long = argument.get_long().expect("each has one");
            assert!(DOCUMENT.contains(&format!("--{long}")), "docs/cli.md does not name --{long}");
            if let Some(variable) = argument.get_env().and_then(|name| name.to_str()) {
                assert!(DOCUMENT.contains(variable), "docs/cli.md does not name {variable}");
            }
        }
    }

    #[test]
    fn every_example_parses() {
        let examples = DOCUMENT.lines().filter_map(|line| line.strip_prefix("    $ "));
        let mut count = 0;
        for example in examples {
            let words = shell_words::split(example).expect("it is a command");
            let Some(start) = words.iter().position(|word| word == "larder") else {
                panic!("an example of something else: {example}");
            };
            if let Err(error) = Cli::try_parse_from(&words[start..]) {
                panic!("{example}: {error}");
            }
            count += 1;
        }
        assert!(count > 40, "only {count} examples were found");
    }

    #[test]
    fn the_document_lists_the_exit_codes() {
        let table = section("## For scripts");
        for code in 0..=7 {
            assert!(table.contains(&format!("\n| {code} | ")), "{code}");
        }
    }
}
