//! Who commits, and how much each of them says it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use larder_protocol::call::Committed;
use larder_protocol::{Partition, limits};
use larder_system::System;
use larder_tests::{Direct, http};
use tokio::task::JoinSet;

/// Connections of the test itself that call the commit script beside the workers.
const EXTRA: usize = 3;

/// Commits a partition without a pause until `stop`, in batches of all sizes. Each answers how
/// many entries it took.
pub async fn start_extra(url: &str, p: Partition, stop: &Arc<AtomicBool>) -> Result<JoinSet<Result<u64>>> {
    let mut committers = JoinSet::new();
    for number in 0..EXTRA {
        let (direct, stop) = (Direct::open(url).await?, stop.clone());
        committers.spawn(async move {
            let mut taken = 0;
            for call in number.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let Committed { applied, rejected, dead, error, .. } =
                    direct.commit(p, 1 + call % 7, limits::COMMIT_MAX_BYTES).await?;
                ensure!(error.is_empty(), "{error}");
                taken += applied + rejected + dead;
                // The workers shall have their share.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            Ok(taken)
        });
    }
    Ok(committers)
}

/// What all of them took.
pub async fn join(mut committers: JoinSet<Result<u64>>) -> Result<u64> {
    let mut all = 0;
    while let Some(taken) = committers.join_next().await {
        all += taken??;
    }
    Ok(all)
}

/// Where each worker, as it runs now, serves its metrics.
pub fn admin_addresses(system: &mut System) -> Result<Vec<String>> {
    let addresses = system.workers.iter_mut().map(|worker| {
        let log = worker.output().text();
        let (_, line) = log.rsplit_once(" admin=").context("the worker has not said where its metrics are")?;
        Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
    });
    addresses.collect()
}

/// How many entries this worker says it took: applied, rejected or buried.
pub async fn taken_by(admin: &str) -> Result<u64> {
    let metrics = http().get(format!("http://{admin}/metrics")).send().await?.error_for_status()?.text().await?;
    let mut taken = 0;
    for line in metrics.lines() {
        let counts = ["larder_commits_total{", "larder_rejected_total{", "larder_dead_total{"];
        if counts.iter().any(|name| line.starts_with(name)) {
            let (_, count) = line.rsplit_once(' ').context("a metric without a value")?;
            taken += count.parse::<u64>()?;
        }
    }
    Ok(taken)
}
