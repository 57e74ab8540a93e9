//! Access tokens: make one, list those that are configured, check them.
//!
//! None of this needs the store, and nothing is changed: the list of tokens is a variable of the component.

mod check;
mod entries;
mod list;
mod new;

use clap::Subcommand;

/// What to do with access tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token, and the entry that lets the component know it.
    ///
    /// The token is shown this once and stored nowhere. The entry holds its SHA-256; add it to the
    /// JSON array in the component's variable api_tokens.
    New(new::New),
    /// Lists the entries of an api_tokens: who may do what, and until when.
    List(list::List),
    /// Checks an api_tokens before the component gets it; and which of its entries a token has.
    ///
    /// With a token in LARDER_TOKEN it tells what that token allows, and exits with 1 where it is not among
    /// them or has expired.
    Check(check::Check),
}

/// Does what `command` says. `bearer` is the token that `check` is to look for.
///
/// # Errors
/// A list that cannot be read or is malformed; a token that is worth nothing.
pub fn run(command: &TokenCommand, bearer: Option<&str>) -> anyhow::Result<()> {
    match command {
        TokenCommand::New(arguments) => new::run(arguments),
        TokenCommand::List(arguments) => list::run(arguments),
        TokenCommand::Check(arguments) => check::run(arguments, bearer),
    }
}
