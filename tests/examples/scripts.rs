//! What the scripts of a write cost Redis: the CPU time of its main thread, and the bytes of the append-only file.
//! That is much steadier than requests per second, also on a machine that has other work to do.
//!
//! Each round accepts some small writes for each partition and then commits them by one call each, pipelined, so that
//! system calls count little and `fsync` not at all (`appendfsync no`). The least of the rounds tells what a call
//! takes, the median how noisy the run was. Run it: `target/release/examples/scripts`.

use anyhow::Context as _;
use larder_protocol::call::{self, Listing};
use larder_protocol::limits::{COMMIT_MAX_BYTES, COMMIT_MAX_ENTRIES, DEFAULT_CHANGES_KEPT};
use larder_protocol::{Call, Content, ItemId, Operation, Partition, Write, scripts};
use larder_tests::RedisAlone;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, InfoDict, Value};

const ROUNDS: usize = 15;
const VALUE_BYTES: usize = 100;
/// Commands that are sent at once.
const PIPELINED: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // A rewrite of the file would hide how it grows.
    let redis = RedisAlone::start_with(&["--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]).await?;
    // Many long calls are sent at once.
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection =
        redis::Client::open(redis.server.url())?.get_multiplexed_async_connection_with_config(&patient).await?;
    let mut meter = Meter { connection };
    for script in [&scripts::ACCEPT, &scripts::COMMIT, &scripts::LIST] {
        let _: String = redis.command(&["SCRIPT", "LOAD", script.source()]).await?;
    }

    println!("{:<42}{:>10}{:>10}{:>14}", "", "least us", "median us", "file, bytes");
    let ids: Vec<Vec<ItemId>> = Partition::all().map(|p| ids(p, COMMIT_MAX_ENTRIES)).collect();
    for entries in [1, 16, COMMIT_MAX_ENTRIES] {
        let writes: Vec<Call> = (0..entries).flat_map(|n| ids.iter().map(move |ids| accept(&ids[n]))).collect();
        let commits: Vec<Call> =
            Partition::all().map(|p| call::commit(p, entries, COMMIT_MAX_BYTES, DEFAULT_CHANGES_KEPT)).collect();
        let (mut accepting, mut committing) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            accepting.push(meter.cost(&writes).await?);
            committing.push(meter.cost(&commits).await?);
        }
        tell(&format!("accept, behind up to {} others", entries - 1), writes.len(), accepting);
        tell(&format!("commit of {entries}, for each entry"), writes.len(), committing);
    }

    let listing = Listing { prefix: "", after: &[], delimiter: "", max_told: 100, max_ids: 100, heads: false };
    let lists: Vec<Call> = Partition::all().map(|p| call::list(p, &listing)).collect();
    let mut listed = Vec::new();
    for _ in 0..ROUNDS {
        listed.push(meter.cost(&lists).await?);
    }
    tell("list of 100 ids", lists.len(), listed);
    Ok(())
}

/// The first ids of a partition, of some that are numbered.
fn ids(p: Partition, count: usize) -> Vec<ItemId> {
    let numbered = (0..).filter_map(|n| ItemId::new(format!("item/{n:06}")).ok());
    numbered.filter(|id| Partition::of(id) == p).take(count).collect()
}

fn accept(id: &ItemId) -> Call {
    let content = Content::new(None, vec![b'x'; VALUE_BYTES]).expect("it has a type by default, and a value");
    let write = Write::from(Operation::Put { content, ttl: None });
    call::accept(id, &write, "", u64::MAX, true)
}

/// What some calls took altogether.
struct Cost {
    microseconds: f64,
    bytes: u64,
}

struct Meter {
    connection: MultiplexedConnection,
}

impl Meter {
    async fn cost(&mut self, calls: &[Call]) -> anyhow::Result<Cost> {
        let (microseconds, bytes) = self.read().await?;
        for calls in calls.chunks(PIPELINED) {
            let mut pipeline = redis::pipe();
            for Call { script, keys, arguments, .. } in calls {
                pipeline.cmd("EVALSHA").arg(script.sha()).arg(keys.len()).arg(keys).arg(arguments);
            }
            let _: Vec<Value> = pipeline.query_async(&mut self.connection).await?;
        }
        let after = self.read().await?;
        Ok(Cost { microseconds: after.0 - microseconds, bytes: after.1 - bytes })
    }

    /// The CPU time of Redis' main thread so far, and the size of its append-only file.
    async fn read(&mut self) -> anyhow::Result<(f64, u64)> {
        let info: InfoDict = redis::cmd("INFO").arg("cpu").arg("persistence").query_async(&mut self.connection).await?;
        let seconds = |of: &str| info.get::<f64>(of).with_context(|| format!("INFO has no {of}"));
        let seconds = seconds("used_cpu_user_main_thread")? + seconds("used_cpu_sys_main_thread")?;
        Ok((seconds * 1e6, info.get("aof_current_size").context("INFO has no aof_current_size")?))
    }
}

/// What one of so many costs.
fn tell(what: &str, count: usize, mut costs: Vec<Cost>) {
    costs.sort_by(|a, b| a.microseconds.total_cmp(&b.microseconds));
    let count = count as f64;
    let at = |n: usize| costs[n].microseconds / count;
    let bytes = costs[0].bytes as f64 / count;
    println!("{what:<42}{:>10.2}{:>10.2}{bytes:>14.0}", at(0), at(costs.len() / 2));
}
