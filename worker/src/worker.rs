//! The worker's life: a shard for each master, and a lookout for who the masters are.
//!
//! When that changes, only the shards go or come whose master or partitions are others than before. The rest
//! notices nothing.

use futures::StreamExt as _;
use futures::future::{AbortHandle, abortable};
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::cli::Cli;
use crate::health::Health;
use crate::lookout::Lookout;
use crate::masters::Master;
use crate::shard;

/// Works until `stop`.
pub async fn run(settings: &Cli, health: &Health, stop: &CancellationToken) {
    let lookout = Lookout::new(settings, health);
    tokio::select! {
        () = lookout.run() => {}
        () = follow(&lookout, settings, health, stop) => {}
    }
}

/// Keeps a shard for each of the masters.
async fn follow(lookout: &Lookout<'_>, settings: &Cli, health: &Health, stop: &CancellationToken) {
    let mut found = lookout.masters();
    let mut shards = FuturesUnordered::new();
    let mut running: Vec<(Master, AbortHandle)> = Vec::new();
    loop {
        tokio::select! {
            _ = found.changed() => {}
            Some(_) = shards.next() => continue,
            () = stop.cancelled() => break,
        }
        let Some(masters) = found.borrow_and_update().clone() else { continue };
        health.follow(&masters);
        running.retain(|(master, shard)| {
            let stays = masters.iter().any(|other| other == master);
            if !stays {
                tracing::info!(master = %master.address, partitions = %master.partitions, "left");
                shard.abort();
            }
            stays
        });
        for master in masters.iter() {
            if running.iter().all(|(other, _)| other != master) {
                let (shard, handle) = abortable(shard::run(master.clone(), settings, health, lookout, stop));
                shards.push(shard);
                running.push((master.clone(), handle));
            }
        }
    }
    // Each ends by itself.
    while shards.next().await.is_some() {}
}
