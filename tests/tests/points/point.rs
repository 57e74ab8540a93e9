//! One point: a scenario with a fault at one of its commands. The client does what the documents say, and all that it was
//! told must be true.

use std::time::{Duration, Instant};

use larder_api::web::header;
use larder_protocol::{ItemId, Partition, keys};
use redis::Value as Reply;
use serde_json::Value;

use crate::fault::Fault;
use crate::lane::Lane;
use crate::proxy::At;
use crate::scenario::{Prepared, Scenario, WAIT};
use crate::stream;

/// Where and what.
#[derive(Clone, Copy)]
pub struct Point {
    pub scenario: &'static Scenario,
    /// The number of the command, from 0, and the fault; none for the scenario as it is.
    pub fault: Option<(usize, Fault)>,
}

/// What a request was told.
#[derive(Debug)]
struct Told {
    /// 0 where there was no answer.
    status: u16,
    revision: Option<String>,
    body: String,
    /// Changes that are made, or will be.
    sure: usize,
    /// Changes of which that is open.
    open: usize,
    took: Duration,
}

/// What came of a point.
pub struct Ran {
    /// The commands that the component sent.
    pub commands: Vec<String>,
    /// Whether the fault has struck.
    pub has_struck: bool,
    /// What was not true.
    pub violation: Option<String>,
}

/// In such a time a worker does all that it does.
pub const ROUND: Duration = Duration::from_millis(1_300);

/// How often a client sends a request again.
const TRIES: usize = 20;

impl Point {
    /// Runs it with an id of its own.
    pub async fn run(&self, lane: &Lane, id: ItemId) -> anyhow::Result<Ran> {
        let prepared = self.scenario.prepare(lane, id).await?;
        lane.drain(&prepared.id).await?;
        let before = changes(lane, &prepared.id).await?;
        if let Some((_, fault)) = self.fault.filter(|(_, fault)| fault.is_before_all()) {
            lane.strike(fault).await?;
        }
        lane.proxy.begin(self.fault.map(|(number, fault)| (At::Number(number), fault)));
        let told = self.send(lane, &prepared).await;
        let (commands, has_struck) = lane.proxy.end().await;
        lane.heal().await?;
        let violation = self
            .judge(lane, &prepared, &before, &told)
            .await
            .err()
            .map(|wrong| format!("{wrong:#}\n    told {told:?}"));
        Ok(Ran { commands, has_struck, violation })
    }

    /// Runs it with its fault on the worker's side, at the first command that is called so.
    pub async fn run_beside(&self, lane: &Lane, id: ItemId, command: &str) -> anyhow::Result<Ran> {
        let prepared = self.scenario.prepare(lane, id).await?;
        lane.drain(&prepared.id).await?;
        let before = changes(lane, &prepared.id).await?;
        lane.worker_proxy.begin(self.fault.map(|(_, fault)| (At::Name(command.to_owned()), fault)));
        let told = self.send(lane, &prepared).await;
        let deadline = Instant::now() + ROUND;
        while !lane.worker_proxy.has_struck() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (commands, has_struck) = lane.worker_proxy.end().await;
        lane.heal().await?;
        let violation = self.judge(lane, &prepared, &before, &told).await.err();
        let violation = violation.map(|wrong| format!("{wrong:#}\n    told {told:?}\n{}", lane.worker_log()));
        Ok(Ran { commands, has_struck, violation })
    }

    async fn send(&self, lane: &Lane, prepared: &Prepared) -> Told {
        let start = Instant::now();
        if self.scenario.is_stream() {
            let told = stream::told(self.scenario, lane, prepared).await;
            let body = told.as_ref().map_or_else(|error| format!("{error:#}"), |told| format!("{told:?}"));
            // A change that is told twice, or not at all, is no answer of this kind.
            let status = if told.is_ok_and(|told| told.len() == 1) { 200 } else { 500 };
            return self.told(status, None, body, start.elapsed());
        }
        let answer = match self.scenario.request(lane, prepared).timeout(Duration::from_secs(20)).send().await {
            Ok(answer) => answer,
            Err(_) => return self.told(0, None, String::new(), start.elapsed()),
        };
        let revision = answer.headers().get(&header::REVISION).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap_or_default();
        self.told(status, revision, body, start.elapsed())
    }

    fn told(&self, status: u16, revision: Option<String>, body: String, took: Duration) -> Told {
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let kind = |problem: &Value| {
            problem["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned()
        };
        let is_open = |status: u16, kind: &str| {
            status == 0 || ["outcome-unknown", "under-replicated", "internal"].contains(&kind)
        };
        let (mut sure, mut open, problem) = (0, 0, kind(&json));
        if let (200, Some(parts)) = (status, json.as_array().filter(|_| self.scenario.changes > 1)) {
            sure = parts.iter().filter(|part| part["status"].as_u64().is_some_and(|status| status < 300)).count();
            open = parts.iter().filter(|part| is_open(200, &kind(&part["problem"]))).count();
        } else if (200..300).contains(&status) {
            sure = self.scenario.changes;
        } else if is_open(status, &problem) {
            open = self.scenario.changes;
        }
        if self.scenario.is_repeat {
            (sure, open) = (0, 0);
        }
        Told { status, revision, body, sure, open, took }
    }

    async fn judge(&self, lane: &Lane, prepared: &Prepared, before: &[String], told: &Told) -> anyhow::Result<()> {
        let scenario = self.scenario;
        let fault = self.fault.map(|(_, fault)| fault);
        let is_done = |told: &Told| {
            let waited = scenario.waits() && told.status == 202;
            (scenario.statuses.contains(&told.status) || waited) && told.sure == scenario.changes_left()
        };
        // A record that was forgotten makes a repeat a request like the first.
        let may_count_twice = scenario.is_repeat && fault == Some(Fault::Expired);
        // By a clock that is an hour ahead, an outcome is too old to tell.
        let is_old = told.status == 410 && matches!(fault, Some(Fault::Clock(1..)));
        let is_refused = [429, 503].contains(&told.status) || told.status == 0 || is_old;
        let is_told_right =
            is_done(told) || is_refused || may_count_twice || (told.status == 200 && scenario.changes > 1);
        anyhow::ensure!(is_told_right, "this status is not one of {:?}, 503 and none", scenario.statuses);
        let is_alone = self.fault == Some((0, Fault::ReplicaGone)) && scenario.waits();
        anyhow::ensure!(!is_alone || told.status == 503, "what no replica has was told");
        if told.status == 202 && scenario.waits() {
            anyhow::ensure!(
                told.took >= Duration::from_millis(900 * WAIT),
                "a wait of {WAIT} s ended after {:?}",
                told.took
            );
        }
        if is_done(told) && scenario.changes_left() == 0 && !scenario.is_repeat {
            anyhow::ensure!(scenario.shows(&told.body, prepared), "this is not what is there");
        }

        lane.drain(&prepared.id).await?;
        let since = |now: &[String]| now.len().saturating_sub(before.len());
        let now = changes(lane, &prepared.id).await?;
        let made = since(&now);
        let most = told.sure + told.open + if may_count_twice { scenario.changes } else { 0 };
        anyhow::ensure!(
            (told.sure..=most).contains(&made),
            "{made} changes were made, told were {} to {most}",
            told.sure
        );
        if let Some(revision) =
            told.revision.as_ref().filter(|_| scenario.changes == 1 && (200..300).contains(&told.status))
        {
            let may_be_lost = matches!(fault, Some(Fault::FailoverBefore | Fault::FailoverAfter));
            let is_lost = !may_be_lost && !now.iter().any(|one| revision.ends_with(one.as_str()));
            anyhow::ensure!(!is_lost, "the revision that was told, {revision}, changed nothing: {now:?}");
        }
        if !may_count_twice {
            self.follow_up(lane, prepared, before, told, made).await?;
        }
        leftovers(lane, &prepared.id).await
    }

    /// What a client does next, and what is there in the end.
    async fn follow_up(
        &self,
        lane: &Lane,
        prepared: &Prepared,
        before: &[String],
        told: &Told,
        made: usize,
    ) -> anyhow::Result<()> {
        let scenario = self.scenario;
        let mut wanted = scenario.changes_left();
        let is_done = |told: &Told| scenario.statuses.contains(&told.status) && told.sure == wanted;
        let may_send_again = scenario.is_keyed() || told.open == 0;
        if !is_done(told) && may_send_again && told.status != 202 {
            let mut last = None;
            for _ in 0..TRIES {
                let again = self.send(lane, prepared).await;
                if is_done(&again) || again.status == 202 {
                    last = None;
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                last = Some(again);
            }
            anyhow::ensure!(last.is_none(), "sent again, it is told {last:?}");
        } else if told.open > 0 {
            wanted = made;
        }
        lane.drain(&prepared.id).await?;
        let now = changes(lane, &prepared.id).await?;
        let made = now.len() - before.len().min(now.len());
        anyhow::ensure!(made == wanted, "in the end {made} changes were made, not {wanted}: {now:?}");
        let value = if made == scenario.changes_left() { scenario.after } else { return Ok(()) };
        let item = keys::item(&prepared.id);
        let stored: Option<String> = lane.ask(async |redis| Ok(redis.command(&["GET", &item]).await?)).await?;
        let stored =
            stored.map(|stored| stored.split_once("\n\n").map_or(String::new(), |(_, value)| value.to_owned()));
        anyhow::ensure!(stored.as_deref().unwrap_or_default() == value, "the item holds {stored:?}, not {value:?}");
        let index = keys::index(Partition::of(&prepared.id));
        let listed: Option<f64> =
            lane.ask(async |redis| Ok(redis.command(&["ZSCORE", &index, prepared.id.as_str()]).await?)).await?;
        anyhow::ensure!(listed.is_some() == stored.is_some(), "the index and the item disagree");
        Ok(())
    }
}

/// The revisions of the changes of an item, in order.
async fn changes(lane: &Lane, id: &ItemId) -> anyhow::Result<Vec<String>> {
    let feed = keys::changes(Partition::of(id));
    let entries: Vec<(String, Vec<String>)> =
        lane.ask(async |redis| Ok(redis.command(&["XRANGE", &feed, "-", "+"]).await?)).await?;
    let of_it = entries.into_iter().filter(|(_, fields)| fields.get(3).is_some_and(|one| one == id.as_str()));
    Ok(of_it.filter_map(|(_, fields)| fields.get(5).cloned()).collect())
}

/// Nothing is left for ever of what is only for a time.
async fn leftovers(lane: &Lane, id: &ItemId) -> anyhow::Result<()> {
    let p = Partition::of(id);
    lane.ask(async |redis| {
        let scratch: Reply = redis.command(&["GET", &keys::scratch(p)]).await?;
        anyhow::ensure!(scratch == Reply::Nil, "the key of additions is left");
        for pattern in ["outcome:*", "idem:*"] {
            for key in redis.command::<Vec<String>>(&["KEYS", &format!("larder:{{{}}}:{pattern}", p.tag())]).await? {
                let left: i64 = redis.command(&["PTTL", &key]).await?;
                anyhow::ensure!(left != -1, "{key} is left for ever");
            }
        }
        Ok(())
    })
    .await
}
