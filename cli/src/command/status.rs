//! `larder status`.

use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use larder_operator::text::escaped;
use serde_json::json;

use crate::client::{Master, Problem, Readiness, Status as Told};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// How often the answers are timed.
const TIMES: usize = 5;

/// What to say where there is no admin server to ask.
pub const HOW_TO_SEE_MORE: &str = "Items, pending writes, masters and dead letters are told by the admin server of a worker:\n\
    start one with --admin-listen 127.0.0.1:9464, and name it by --admin, LARDER_ADMIN or in the context.\n\
    On Kubernetes: kubectl port-forward deploy/larder-worker 9464:9090";

#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?;
        let client = settings.client_of(&place)?;
        let live = timed(async || client.live().await).await?;
        let mut readiness = client.ready().await?;
        let ready = timed(async || {
            readiness = client.ready().await?;
            Ok(())
        })
        .await?;
        let told = match place.admin(settings.retries())? {
            Some(admin) => Some(admin.status().await?),
            None => None,
        };
        let missing = match readiness {
            Readiness::Ready => None,
            Readiness::NotReady(problem) => Some(problem),
        };
        if settings.json() {
            let document = json!({
                "store": place.url, "context": place.name, "ready": missing.is_none(), "problem": missing,
                "live_ms": millis(live), "ready_ms": millis(ready), "status": told,
            });
            terminal::say_json(&document)?;
        } else {
            terminal::say(&said(&place.described(), missing.as_ref(), live, ready))?;
            match &told {
                Some(told) => terminal::say(&described(told))?,
                None => terminal::say(HOW_TO_SEE_MORE)?,
            }
        }
        match missing {
            None => Ok(()),
            Some(problem) => Err(Failure::Problem { problem, retry_after: None }.into()),
        }
    }
}

/// The middle of some answers' times.
async fn timed(mut ask: impl AsyncFnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        ask().await?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[TIMES / 2])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn said(store: &str, missing: Option<&Problem>, live: Duration, ready: Duration) -> String {
    let is_ready =
        missing.map_or_else(|| "yes".to_owned(), |problem| format!("no: {}", escaped(problem.detail.as_bytes())));
    let (live, ready) = (millis(live), millis(ready));
    format!("store    {store}\nready    {is_ready}\nanswers  within {live:.1} ms; {ready:.1} ms where Redis is asked")
}

fn described(told: &Told) -> String {
    let oldest = told.oldest_pending_seconds.map(|age| format!(", the oldest for {age:.1} s")).unwrap_or_default();
    let mut text = format!(
        "items    {}\npending  {}{oldest}\ndead     {}\nworkers  {}, {}\n\n",
        told.items,
        told.pending,
        told.dead_letters,
        told.workers(),
        told.version
    );
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["MASTER", "UP", "PARTITIONS", "WORKERS", "REPLICAS", "MEMORY", "SERVER", "PROMISES"]);
    for master in &told.masters {
        let clean = |text: &str| escaped(text.as_bytes());
        table.add_row([
            clean(&master.address),
            if master.up { "yes" } else { "NO" }.to_owned(),
            clean(&master.partitions),
            Master::counted(master.live_workers),
            Master::counted(master.replicas),
            master.memory(),
            clean(master.server.as_deref().unwrap_or("?")),
            master.promises().to_owned(),
        ]);
    }
    text.extend(table.lines().map(|line| line.trim_end().to_owned() + "\n"));
    for warning in told.troubles() {
        text += &format!("! {}\n", escaped(warning.as_bytes()));
    }
    text.truncate(text.trim_end().len());
    text
}
