//! The append-only file ends anywhere: each write is applied and gone from its channel, or
//! pending. Never both, never neither.
//!
//! Redis is killed while writes are accepted and committed. Its file is cut at many places, each
//! time in a copy, and Redis started on that. A script's effects lie between `MULTI` and `EXEC`,
//! and Redis undoes a transaction that has no end (`aof-load-truncated yes`, its default). So the
//! writes that survive must be those whose acceptance lies wholly before the cut, in order; a
//! first part of them is applied, as the [`model`] says, and exactly the rest is pending; and
//! committing the rest ends where all of them lead.
//!
//! What a cut can lose by nature: with `appendfsync always`, what was acknowledged is on disk, so
//! a crash can only tear what nobody was told of yet. A cut inside the last step loses that step
//! and no other: one write that was not acknowledged, or one commit, whose writes are pending
//! again. The cuts further up stand for a disk that lies, and lose what lies behind them; but
//! what is left is never inconsistent.

mod found;
mod model;
mod power;
mod workload;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use larder_protocol::limits;
use larder_tests::{Aof, Direct, RedisAlone};
use tempfile::TempDir;

use crate::found::found;
use crate::model::{Accepted, state};
use crate::workload::Workload;

/// How many servers load a file at the same time.
const AT_ONCE: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_cut_anywhere_near_its_end_leaves_each_write_applied_or_pending() -> Result<()> {
    let mut rng = rng()?;
    let (mut redis, workload) = (RedisAlone::start().await?, Workload::new());
    let run = Duration::from_millis(rng.u64(150..400));
    workload.run_until_killed(&mut redis.server, &mut rng, run).await?;

    let torn = Torn::read(&redis, workload)?;
    let near = torn.aof.steps.len().saturating_sub(60);
    let cuts: Vec<usize> =
        (0..40).map(|_| rng.usize(torn.aof.steps[near].range.start..=torn.aof.bytes.len())).collect();
    torn.try_all(&cuts).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_cut_inside_its_last_step_loses_that_step_and_nothing_else() -> Result<()> {
    let mut rng = rng()?;
    let (mut redis, workload) = (RedisAlone::start().await?, Workload::new());
    let direct = Direct::open(&redis.server.url()).await?;
    // A history, some of it applied; then one commit of several writes of all kinds.
    for n in 0..30 {
        workload.accept(&direct, &mut rng, &format!("early {n}")).await?;
        if n % 10 == 9 {
            direct.commit(workload.partition(), 8, limits::COMMIT_MAX_BYTES).await?;
        }
    }
    let mut n = 0;
    while direct.pending().await?.iter().sum::<u64>() < 8 {
        workload.accept(&direct, &mut rng, &format!("late {n}")).await?;
        n += 1;
    }
    direct.commit(workload.partition(), 6, limits::COMMIT_MAX_BYTES).await?;
    redis.server.kill().await?;

    let torn = Torn::read(&redis, workload)?;
    let last = torn.aof.steps.last().context("the file has steps")?;
    let mut cuts = vec![last.range.start, last.range.end];
    // Where commands begin and end, and anywhere inside them.
    for command in &last.commands {
        cuts.extend([command.range.start, command.range.start + 1]);
    }
    rng.shuffle(&mut cuts[2..]);
    cuts.truncate(24);
    cuts.extend((0..24).map(|_| rng.usize(last.range.clone())));
    for &cut in &cuts {
        let (writes, applied) = torn.expected(cut);
        assert_eq!(writes.len(), torn.accepted.len(), "no write is lost");
        assert!(applied == torn.expected(cut.min(last.range.start)).1 || cut == last.range.end);
    }
    torn.try_all(&cuts).await
}

/// A seed that is printed, or the one that `LARDER_SEED` repeats.
fn rng() -> Result<Rng> {
    let seed = match std::env::var("LARDER_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => fastrand::u64(..),
    };
    println!("LARDER_SEED={seed}");
    Ok(Rng::with_seed(seed))
}

/// The files of a Redis that is dead, and the writes that they hold.
struct Torn {
    folder: std::path::PathBuf,
    aof: Aof,
    accepted: Vec<(usize, Accepted)>,
    workload: Workload,
}

impl Torn {
    fn read(redis: &RedisAlone, workload: Workload) -> Result<Self> {
        let aof = Aof::read(redis.folder())?;
        let accepted = workload.accepted(&aof)?;
        ensure!(accepted.len() > 10, "only {} writes", accepted.len());
        Ok(Self { folder: redis.folder().to_path_buf(), aof, accepted, workload })
    }

    /// The writes whose acceptance lies before the cut, and how many of them were taken off their
    /// channel before it.
    fn expected(&self, cut: usize) -> (Vec<Accepted>, usize) {
        let whole = self.aof.steps.iter().take_while(|step| step.range.end <= cut);
        let taken = whole.clone().flat_map(|step| &step.commands).filter(|command| command.is("XDEL"));
        let taken = taken.map(|command| command.words.len() - 2).sum();
        let survive = self.accepted.iter().filter(|(step, _)| *step < whole.clone().count());
        (survive.map(|(_, write)| write.clone()).collect(), taken)
    }

    async fn try_all(&self, cuts: &[usize]) -> Result<()> {
        let tried = stream::iter(cuts).map(|&cut| async move {
            self.try_one(cut).await.with_context(|| format!("cut at {cut} of {} bytes", self.aof.bytes.len()))
        });
        let tried: Vec<(usize, usize)> = tried.buffer_unordered(AT_ONCE).try_collect().await?;
        let (writes, bytes) = (self.accepted.len(), self.aof.bytes.len());
        let (lost, pending): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
        println!(
            "{} cuts of {bytes} bytes with {writes} writes: up to {:?} lost, {:?} pending",
            cuts.len(),
            lost.iter().max(),
            pending.iter().max()
        );
        Ok(())
    }

    /// Answers how many writes were lost, and how many are pending.
    async fn try_one(&self, cut: usize) -> Result<(usize, usize)> {
        let (writes, applied) = self.expected(cut);
        let (redis, p) = (RedisAlone::start_on(self.copy(cut)?).await?, self.workload.partition());

        let found_now = found(&redis, p).await?;
        let pending: Vec<_> = writes[applied..].iter().map(|write| write.revision).collect();
        assert_eq!(found_now.pending, pending, "those that are not applied are pending");
        assert_eq!(found_now.state, state(&writes, applied), "the others are applied");

        let mut left = pending.len();
        while left > 0 {
            let committed = redis.commit(p, 5, limits::COMMIT_MAX_BYTES).await?;
            ensure!(committed.error.is_empty() && committed.dead == 0, "{committed:?}");
            left = usize::try_from(committed.left)?;
        }
        let at_the_end = found(&redis, p).await?;
        assert!(at_the_end.pending.is_empty());
        assert_eq!(at_the_end.state, state(&writes, writes.len()), "all that survived is applied, in order");
        Ok((self.accepted.len() - writes.len(), pending.len()))
    }

    /// A folder for another Redis, in which the file ends at the cut.
    fn copy(&self, cut: usize) -> Result<TempDir> {
        let (folder, files) = (TempDir::new()?, "redis/appendonlydir");
        std::fs::create_dir_all(folder.path().join(files))?;
        for file in std::fs::read_dir(self.folder.join(files))? {
            let file = file?;
            std::fs::copy(file.path(), folder.path().join(files).join(file.file_name()))?;
        }
        std::fs::write(Aof::find(folder.path())?, &self.aof.bytes[..cut])?;
        Ok(folder)
    }
}
