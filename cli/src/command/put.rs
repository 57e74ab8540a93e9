//! `larder put`.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use larder_protocol::limits::MAX_TTL_SECONDS;
use larder_protocol::{ItemId, Metadata, Revision};
use serde_json::json;

use super::item_id;
use crate::client::{Condition, Content, Fate, Written};
use crate::settings::Settings;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Put {
    /// The id of the item.
    #[arg(value_parser = item_id)]
    id: ItemId,

    /// The value: a text, @FILE for the bytes of a file, or - for those of stdin. @@ begins a text with an @.
    value: String,

    /// The content type. By default text/plain for a text, what the file's name says, or application/octet-stream.
    #[arg(long = "type", value_name = "TYPE")]
    content_type: Option<String>,

    /// How long it lives: 90s, 15m, 1h, 7days.
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    ttl: Option<Duration>,

    /// Store it only if the item is at this revision; * for any.
    #[arg(long, value_name = "REVISION", value_parser = revision_or_any, conflicts_with = "if_none_match")]
    if_match: Option<AnyOr>,

    /// Store it only if there is no such item, or none at =REVISION.
    #[arg(long, value_name = "REVISION", value_parser = revision_or_any, num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    if_none_match: Option<AnyOr>,

    /// Keep this with the item: name=text; may be given more than once.
    #[arg(long = "metadata", value_name = "NAME=TEXT", value_parser = pair)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    wait: Wait,
}

/// How long to wait for the outcome of a write.
#[derive(Debug, Args)]
pub struct Wait {
    /// Wait so many seconds until the write is applied; 0 only until it is accepted, which is durable already.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    wait: u64,
}

/// A revision, or whatever there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyOr {
    Any,
    Revision(Revision),
}

impl Put {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let client = settings.client_of(&settings.place()?.writable()?)?;
        let texts = self.metadata.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let metadata = Metadata::new(texts).map_err(|error| crate::failure::Failure::Usage(error.to_string()))?;
        let (value, usual_type) = read(&self.value)?;
        let content_type = self.content_type.unwrap_or(usual_type);
        let content = Content { content_type, value, metadata, ttl: self.ttl };
        let condition = match (self.if_match, self.if_none_match) {
            (Some(AnyOr::Any), _) => Condition::Exists,
            (Some(AnyOr::Revision(revision)), _) => Condition::At(revision),
            (None, Some(AnyOr::Any)) => Condition::Absent,
            (None, Some(AnyOr::Revision(revision))) => Condition::NotAt(revision),
            (None, None) => Condition::None,
        };
        let written = client.put(&self.id, content, condition, self.wait.duration()).await?;
        tell(&self.id, &written, "stored", settings)
    }
}

impl Wait {
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

/// Says what became of a write.
pub fn tell(id: &ItemId, written: &Written, done: &str, settings: &Settings) -> anyhow::Result<()> {
    let (id, revision) = (id.as_str(), &written.revision);
    if settings.json() {
        let told = json!({"id": id, "revision": revision, "outcome": written.outcome});
        return terminal::say_json(&told);
    }
    let done = match written.outcome {
        Fate::Created => "created",
        Fate::Replaced => done,
        Fate::Pending => "accepted, and not applied yet",
    };
    Ok(terminal::say(&format!("{} {done}, revision {revision}", terminal::line(id)))?)
}

/// The value that is meant, and its usual type.
fn read(value: &str) -> anyhow::Result<(Bytes, String)> {
    if value == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read stdin")?;
        return Ok((bytes.into(), "application/octet-stream".to_owned()));
    }
    match value.strip_prefix('@') {
        None => Ok((value.to_owned().into(), "text/plain; charset=utf-8".to_owned())),
        Some(text) if text.starts_with('@') => Ok((text.to_owned().into(), "text/plain; charset=utf-8".to_owned())),
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
            Ok((bytes.into(), mime_guess::from_path(Path::new(path)).first_or_octet_stream().to_string()))
        }
    }
}

/// Whole seconds, as the API takes them.
pub fn ttl(text: &str) -> Result<Duration, String> {
    let wanted = humantime::parse_duration(text).map_err(|error| format!("{error}; 90s, 15m or 1h, say"))?;
    let seconds = wanted.as_secs() + u64::from(wanted.subsec_nanos() > 0);
    match seconds {
        1..=MAX_TTL_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err("a time to live is from 1 s to 100 years".to_owned()),
    }
}

pub fn revision_or_any(text: &str) -> Result<AnyOr, String> {
    match text.trim_matches('"') {
        "*" => Ok(AnyOr::Any),
        revision => revision
            .parse()
            .map(AnyOr::Revision)
            .map_err(|error: larder_protocol::revision::InvalidRevision| error.to_string()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, text) = text.split_once('=').ok_or("expected name=text")?;
    Ok((name.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_text_a_file_or_a_text_that_looks_like_one() {
        assert_eq!(read("a").unwrap().0, "a");
        assert_eq!(read("@@ada").unwrap().0, "@ada");
        assert!(read("@/nowhere/at/all").is_err());
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        assert_eq!(read(&format!("@{}", file.path().display())).unwrap().1, "application/json");
    }

    #[test]
    fn times_to_live_are_whole_seconds() {
        assert_eq!(ttl("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(ttl("1500ms"), Ok(Duration::from_secs(2)));
        assert!(ttl("0s").is_err() && ttl("200years").is_err() && ttl("soon").is_err());
    }
}
