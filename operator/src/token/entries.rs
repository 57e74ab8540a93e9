//! A list of tokens as it is configured.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use larder_protocol::token::{self, Entry};

/// Reads the JSON array in a file, or on stdin where that is called `-`.
pub fn read(file: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    token::parse(&text).with_context(|| format!("{} is no list of tokens", file.display()))
}

/// What an entry allows, in one line.
pub fn described(entry: &Entry) -> String {
    let scopes = entry.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",");
    let prefixes: Vec<_> = entry.prefixes.iter().map(|prefix| prefix.as_str().escape_debug().to_string()).collect();
    let reach = if prefixes.is_empty() { "all ids".to_owned() } else { prefixes.join(" ") };
    let end = match entry.expires {
        None => "never".to_owned(),
        Some(end) if end.is_past(SystemTime::now()) => format!("{} (expired)", String::from(end)),
        Some(end) => String::from(end),
    };
    let rate = entry.limit().map_or_else(|| "any".to_owned(), |limit| format!("{}/s", limit.rate));
    format!("{:<20}  {scopes:<22}  {end:<30}  {rate:<10}  {reach}", entry.name.as_str())
}

/// The head of a table of such lines.
pub fn heading() -> String {
    format!("{:<20}  {:<22}  {:<30}  {:<10}  REACHES", "NAME", "SCOPES", "EXPIRES", "RATE")
}
