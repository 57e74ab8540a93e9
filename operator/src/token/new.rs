//! `token new`.
//!
//! Whoever configures the component puts the entry into its variable, and whoever bears the token keeps it.
//! Nobody can make the one from the other.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use larder_protocol::token::{Digest, Entry, Expiry, Name, Prefix, Requests, Scope, TOKEN_BYTES, TOKEN_PREFIX};
use serde::Serialize;

/// A hundred years: who wants more wants a token that does not expire.
const MAX_DAYS: i64 = 36_500;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The arguments of `token new`.
#[derive(Debug, Args)]
pub struct New {
    /// Who will bear it: 1 to 64 of A-Z a-z 0-9 . _ -
    ///
    /// Give the successor of a token the same name. Idempotency keys belong to the name.
    #[arg(long)]
    name: Name,

    /// What it allows: read, write, list or admin; may be given more than once.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,

    /// It only reaches ids that start with this; may be given more than once. All ids by default.
    #[arg(long = "prefix", value_name = "PREFIX")]
    prefixes: Vec<Prefix>,

    /// From when on it is worth nothing, in UTC: 2027-01-01T00:00:00Z, say. It lasts by default.
    #[arg(long, value_name = "TIME", value_parser = future)]
    expires: Option<Expiry>,

    /// The same in days from now, 1 to 36500.
    #[arg(long, value_name = "N", conflicts_with = "expires", value_parser = clap::value_parser!(u32).range(1..=MAX_DAYS))]
    days: Option<u32>,

    /// How many requests in a second the tokens of this name may send, 1 to 1000000. Any number by default.
    #[arg(long, value_name = "N")]
    rate: Option<Requests>,

    /// How many they may send at once; as many as in a second by default.
    #[arg(long, value_name = "N", requires = "rate")]
    burst: Option<Requests>,

    /// One JSON object: {"token": ..., "entry": {...}}
    #[arg(long)]
    json: bool,
}

/// A token and what is configured of it.
#[derive(Serialize)]
struct Made {
    token: String,
    entry: Entry,
}

pub fn run(arguments: &New) -> anyhow::Result<()> {
    let made = make(arguments, SystemTime::now())?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&made)?)?;
    } else {
        let Made { token, entry } = made;
        let entry = serde_json::to_string(&entry)?;
        writeln!(out, "The token, shown this once:\n\n  {token}\n")?;
        writeln!(out, "Its entry, for the JSON array in the variable api_tokens:\n\n  {entry}")?;
    }
    Ok(out.flush()?)
}

fn make(arguments: &New, now: SystemTime) -> anyhow::Result<Made> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random).context("the system gives no random bytes")?;
    let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let entry = Entry {
        name: arguments.name.clone(),
        digest: Digest::of(&token),
        scopes: arguments.scopes.iter().copied().collect(),
        prefixes: arguments.prefixes.clone(),
        expires: arguments.expires.or(arguments.days.map(|days| (now + DAY * days).into())),
        rate: arguments.rate,
        burst: arguments.burst,
    };
    Ok(Made { token, entry })
}

fn future(text: &str) -> Result<Expiry, String> {
    let expiry: Expiry = text.parse().map_err(|error: larder_protocol::token::Invalid| error.to_string())?;
    if expiry.is_past(SystemTime::now()) { Err("this moment is past".to_owned()) } else { Ok(expiry) }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use clap::Parser;
    use clap::error::ErrorKind;
    use larder_protocol::token;

    use super::super::TokenCommand;
    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: TokenCommand,
    }

    fn arguments(line: &str) -> Result<New, clap::Error> {
        let line = format!("token new {line}");
        match Line::try_parse_from(line.split(' '))?.command {
            TokenCommand::New(arguments) => Ok(arguments),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_made_is_what_the_component_reads() {
        let arguments =
            arguments("--name ci --scope write --scope read --prefix ci/ --prefix x --days 2 --rate 5 --burst 9");
        let arguments = arguments.unwrap();
        let Made { token, entry } = make(&arguments, UNIX_EPOCH).unwrap();
        let json = serde_json::to_string(&[&entry]).unwrap();
        assert_eq!(token::parse(&json), Ok(vec![entry]));
        let digest = Digest::of(&token);
        let rest =
            r#""scopes":["read","write"],"prefixes":["ci/","x"],"expires":"1970-01-03T00:00:00Z","rate":5,"burst":9}]"#;
        assert_eq!(json, format!(r#"[{{"name":"ci","digest":"{digest}",{rest}"#));
    }

    #[test]
    fn a_token_is_random_and_has_one_form() {
        let arguments = arguments("--name ci --scope admin").unwrap();
        let [one, other] = [(); 2].map(|()| make(&arguments, UNIX_EPOCH).unwrap());
        assert_ne!(one.token, other.token);
        let random = one.token.strip_prefix(TOKEN_PREFIX).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), TOKEN_BYTES);
        assert_eq!(one.entry.expires, None);
    }

    #[test]
    fn nonsense_is_refused() {
        let refusal = |line| arguments(line).unwrap_err().kind();
        assert_eq!(refusal("--name ci"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refusal("--scope read"), ErrorKind::MissingRequiredArgument);
        for wrong in [
            "--name a:b --scope read",
            "--name ci --scope all",
            "--name ci --scope read --prefix= ",
            "--name ci --scope read --days 0",
            "--name ci --scope read --rate 0",
            "--name ci --scope read --days 36501",
            "--name ci --scope read --expires 2027-01-01",
            "--name ci --scope read --expires 2001-01-01T00:00:00Z",
        ] {
            assert_eq!(refusal(wrong.trim_end()), ErrorKind::ValueValidation, "{wrong}");
        }
        assert_eq!(refusal("--name ci --scope read --burst 5"), ErrorKind::MissingRequiredArgument);
        let both = "--name ci --scope read --days 1 --expires 9999-01-01T00:00:00Z";
        assert_eq!(refusal(both), ErrorKind::ArgumentConflict);
    }
}
