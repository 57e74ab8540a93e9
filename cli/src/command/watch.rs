//! `larder watch`.

use anstyle::{AnsiColor, Color, Style};
use clap::Args;
use futures::stream::TryStreamExt as _;
use larder_operator::text::escaped;
use serde_json::json;

use crate::client::{Change, Client, Event, Follow, Include, Wanted};
use crate::settings::Settings;
use crate::terminal;

#[derive(Debug, Args)]
pub struct Watch {
    /// Only ids that start with this. All by default.
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// From where on: a cursor that an earlier one told, start for the oldest change that is kept, or now.
    #[arg(long, value_name = "CURSOR", default_value = "now")]
    from: String,

    /// Tell first what is there already, as `existing`, and then what changes; without it updates only.
    #[arg(long, conflicts_with = "from")]
    existing: bool,

    /// Tell with each put what the item is like now.
    #[arg(long, value_name = "WHAT")]
    include: Option<Include>,

    /// End after so many changes.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
}

impl Watch {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let client = settings.client()?;
        let mut cursor = None;
        tokio::select! {
            watched = self.watch(&client, settings, &mut cursor) => watched,
            // The usual end.
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into),
        }?;
        if let Some(cursor) = cursor.filter(|_| !settings.json()) {
            eprintln!("To go on from here: --from {cursor}");
        }
        Ok(())
    }

    async fn watch(&self, client: &Client, settings: &Settings, reached: &mut Option<String>) -> anyhow::Result<()> {
        let from = match (self.existing, self.from.as_str()) {
            (true, _) => self.existing(client, settings).await?,
            (false, "now") => client.now().await?,
            (false, "start") => "0".to_owned(),
            (false, cursor) => cursor.to_owned(),
        };
        if settings.json() {
            terminal::say_json(&json!({"cursor": from}))?;
        }
        let follow = Follow { prefix: self.prefix.clone(), include: self.include };
        let mut left = self.limit;
        let events = client.follow(follow, from);
        let mut events = std::pin::pin!(events);
        while left > 0
            && let Some(event) = events.try_next().await?
        {
            match event {
                Event::Change(change) => {
                    left -= 1;
                    tell(&change, settings)?;
                }
                Event::Cursor(cursor) => {
                    if settings.json() {
                        terminal::say_json(&json!({"cursor": cursor}))?;
                    }
                    *reached = Some(cursor);
                }
            }
        }
        Ok(())
    }

    /// Tells what is there, and from where to follow so that nothing is missed.
    async fn existing(&self, client: &Client, settings: &Settings) -> anyhow::Result<String> {
        let wanted = Wanted { prefix: self.prefix.clone(), known: true, changes: true, ..Wanted::default() };
        let mut from = None;
        let pages = client.pages(wanted, None);
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await? {
            from = from.or(page.changes);
            for item in page.items {
                if settings.json() {
                    let mut told = serde_json::to_value(&item)?;
                    told["op"] = "existing".into();
                    terminal::say_json(&told)?;
                } else {
                    let known = item.known.as_ref();
                    let (at, revision) = known.map_or(("", ""), |known| (&known.modified, &known.revision));
                    terminal::say(&format!("{at}  existing  {revision}  {}", terminal::line(&item.id)))?;
                }
            }
        }
        // A store that keeps no changes says so by itself when it is asked for them.
        Ok(from.unwrap_or_else(|| "0".to_owned()))
    }
}

fn tell(change: &Change, settings: &Settings) -> anyhow::Result<()> {
    if settings.json() {
        return terminal::say_json(change);
    }
    let colour = if change.op == "put" { AnsiColor::Green } else { AnsiColor::Red };
    let style = Style::new().fg_color(Some(Color::Ansi(colour)));
    let (op, revision) = (escaped(change.op.as_bytes()), change.revision.as_deref().unwrap_or("-"));
    let current = match &change.current {
        Some(current) => format!("  {}", escaped(current.to_string().as_bytes())),
        None => String::new(),
    };
    use std::io::Write as _;
    let id = terminal::line(&change.id);
    writeln!(anstream::stdout(), "{}  {style}{op:<8}{style:#}  {revision}  {id}{current}", change.at)?;
    Ok(())
}
