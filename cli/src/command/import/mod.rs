//! `larder import`.
//!
//! Items go in batches, several at once. Those of one id keep their order: a batch waits for those before it that
//! have an id of its own. How far everything is done stands in a file beside the export (`state.rs`), so that an
//! import that was interrupted, or killed, goes on there. A batch that was under way then is stored once more, which
//! changes nothing: what is stored is the same.

mod reader;
mod state;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use indicatif::ProgressBar;
use larder_protocol::ItemId;
use serde_json::json;

use self::reader::Batch;
pub use self::reader::Reader;
use self::state::State;
use super::cp;
use crate::client::{Client, Condition, Done, Item, Operation};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// Requests at once.
const AT_ONCE: usize = 4;

/// Troubles that are told one by one.
const MAX_TOLD: usize = 20;

#[derive(Debug, Args)]
pub struct Import {
    /// The export, or - for stdin, which cannot be resumed.
    file: PathBuf,

    /// Only ids that start with this.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,

    /// Leave items alone that are there already.
    #[arg(long)]
    new_only: bool,

    /// Begin anew, whatever an earlier import of the file has done.
    #[arg(long)]
    restart: bool,
}

/// What has been done.
#[derive(Debug, Default)]
struct Tally {
    stored: u64,
    there_already: u64,
    expired: u64,
    failed: u64,
    told: Vec<String>,
}

impl Import {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?.writable()?;
        let client = settings.client_of(&place)?;
        let from_stdin = self.file == Path::new("-");
        let state =
            if from_stdin { State::none() } else { State::of(&self.file, &self.prefix, client.base(), self.restart)? };
        let offset = state.offset();
        eprintln!("Into the store {}", place.described());
        if offset > 0 {
            eprintln!("An earlier import was interrupted; this one goes on at byte {offset}. --restart begins anew.");
        }
        let mut reader = Reader::open(&self.file, offset, &self.prefix)?;
        let bar = terminal::progress(reader.size(), reader.size().is_some());
        bar.set_position(offset);
        let mut tally = Tally::default();
        let imported = self.import(&client, &mut reader, state, &mut tally, &bar).await;
        bar.finish_and_clear();
        tally.tell(settings)?;
        imported.map_err(|error| {
            if from_stdin {
                error
            } else {
                error.context("the import is not complete; the same command goes on with it")
            }
        })?;
        if tally.failed > 0 {
            return Err(Failure::Incomplete(format!("{} items are not stored", tally.failed)).into());
        }
        if !reader.is_complete() {
            let why = "the export is not complete: what is in it is stored, and nothing is known of the rest";
            return Err(Failure::Incomplete(why.to_owned()).into());
        }
        Ok(())
    }

    async fn import(
        &self,
        client: &Client,
        reader: &mut Reader,
        mut state: State,
        tally: &mut Tally,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        let mut under_way = FuturesOrdered::new();
        let mut ids: HashSet<String> = HashSet::new();
        let mut ended = false;
        while !ended || !under_way.is_empty() {
            let batch = if ended { None } else { reader.next()? };
            ended = batch.is_none();
            let must_wait = batch.as_ref().is_some_and(|batch| batch.ids().any(|id| ids.contains(id)));
            let most = if ended || must_wait { 0 } else { AT_ONCE - 1 };
            while under_way.len() > most {
                let Some(done) = under_way.next().await else { break };
                let Sent { batch_ids, end, tally: part } = done?;
                batch_ids.iter().for_each(|id| _ = ids.remove(id));
                tally.add(part);
                bar.set_position(end);
                state.reach(end)?;
            }
            if let Some(batch) = batch {
                ids.extend(batch.ids().map(str::to_owned));
                under_way.push_back(send(client, batch, self.new_only));
            }
        }
        state.done()
    }
}

/// A batch that was sent.
struct Sent {
    batch_ids: Vec<String>,
    /// Where in the file it ends.
    end: u64,
    tally: Tally,
}

async fn send(client: &Client, batch: Batch, new_only: bool) -> anyhow::Result<Sent> {
    let batch_ids = batch.ids().map(str::to_owned).collect();
    let mut tally = Tally::default();
    let end = batch.end;
    if let [item] = &batch.items[..]
        && batch.is_large()
    {
        put(client, item.clone(), new_only, &mut tally).await?;
        return Ok(Sent { batch_ids, end, tally });
    }
    let count = batch.items.len();
    let operations: Vec<Operation> = batch.items.into_iter().filter_map(|item| item.put(new_only)).collect();
    tally.expired += (count - operations.len()) as u64;
    if !operations.is_empty() {
        for done in client.write_many(&operations).await? {
            tally.count(&done, new_only)?;
        }
    }
    Ok(Sent { batch_ids, end, tally })
}

/// One that is too large for a bulk request.
async fn put(client: &Client, item: Item, new_only: bool, tally: &mut Tally) -> anyhow::Result<()> {
    let id = ItemId::new(item.id.as_str()).map_err(|error| Failure::Usage(error.to_string()))?;
    if item.known.ttl().is_none() {
        tally.expired += 1;
        return Ok(());
    }
    let condition = if new_only { Condition::Absent } else { Condition::None };
    match client.put(&id, cp::content(item)?, condition, Duration::from_secs(10)).await {
        Ok(_) => tally.stored += 1,
        Err(error) => match error.downcast::<Failure>()? {
            Failure::Problem { problem, .. } if !matches!(problem.status, 401 | 403 | 429 | 503) => {
                let done = Done { id: Some(id.to_string()), status: problem.status, problem: Some(problem) };
                tally.count(&done, new_only)?;
            }
            failure => return Err(failure.into()),
        },
    }
    Ok(())
}

impl Tally {
    /// Counts what became of an operation.
    ///
    /// # Errors
    /// Where it may go better later, or with another token: then it is not done, and the import ends before it.
    fn count(&mut self, done: &Done, new_only: bool) -> anyhow::Result<()> {
        match (done.status, &done.problem) {
            (412, _) if new_only => self.there_already += 1,
            (401 | 403 | 429 | 503, Some(problem)) => {
                return Err(Failure::Problem { problem: problem.clone(), retry_after: None }.into());
            }
            (_, None) => self.stored += 1,
            (_, Some(_)) => {
                self.failed += 1;
                self.told.extend(done.trouble());
            }
        }
        Ok(())
    }

    fn add(&mut self, part: Self) {
        self.stored += part.stored;
        self.there_already += part.there_already;
        self.expired += part.expired;
        self.failed += part.failed;
        self.told.extend(part.told);
        self.told.truncate(MAX_TOLD);
    }

    fn tell(&self, settings: &Settings) -> anyhow::Result<()> {
        let Self { stored, there_already, expired, failed, told } = self;
        for trouble in told {
            eprintln!("{}", larder_operator::text::escaped(trouble.as_bytes()));
        }
        if settings.json() {
            let told = json!({"stored": stored, "there_already": there_already, "expired": expired, "failed": failed});
            return terminal::say_json(&told);
        }
        let there = if *there_already > 0 { format!(", {there_already} were there already") } else { String::new() };
        let over = if *expired > 0 { format!(", {expired} have ended meanwhile") } else { String::new() };
        Ok(terminal::say(&format!("{stored} stored{there}{over}"))?)
    }
}
