//! What `min_replicas` costs, and what three masters give: reads, writes and waited writes of one client and of
//! many, on one Redis, on a cluster, and on a cluster where a replica must have each write. `make bench` runs it.
//! All processes share the machine, so what counts is the ratio, and the processor time per request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use larder_system::{System, Topology};
use larder_tests::Larder;
use reqwest::Method;

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(3);

const CLIENTS: usize = 32;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    println!("{:<34}{:>12}{:>12}{:>12}{:>12}{:>14}", "", "read/s", "write/s", "waited/s", "1 write ms", "us CPU/write");
    for round in ["", " (again)"] {
        for (name, topology, replicas) in [
            ("one Redis", Topology::Alone, "0"),
            ("3 masters, 3 replicas", Topology::Cluster(3), "0"),
            ("the same, min_replicas=1", Topology::Cluster(3), "1"),
        ] {
            let builder = System::builder().topology(topology).variable("min_replicas", replicas);
            let Some(larder) = Larder::own(builder).await? else { return Ok(()) };
            let mut larder = larder.unwitnessed()?;
            let mut system = larder.take_system();
            let larder = Arc::new(larder);
            let reads = rate(&larder, CLIENTS, Method::GET, None).await?;
            let before = processor_time(&mut system)?;
            let writes = rate(&larder, CLIENTS, Method::PUT, None).await?;
            let spent = processor_time(&mut system)? - before;
            let waited = rate(&larder, CLIENTS, Method::PUT, Some("wait=5")).await?;
            let alone = rate(&larder, 1, Method::PUT, None).await?;
            let each = spent.as_secs_f64() * 1e6 / (writes * TIME.as_secs_f64());
            let name = format!("{name}{round}");
            println!("{name:<34}{reads:>12.0}{writes:>12.0}{waited:>12.0}{:>12.2}{each:>14.0}", 1e3 / alone);
        }
    }
    Ok(())
}

/// Requests a second of so many clients, each to items of its own.
async fn rate(larder: &Arc<Larder>, clients: usize, method: Method, prefer: Option<&str>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let client = async |number: usize| {
        let mut count = 0usize;
        while start.elapsed() < TIME {
            let request = larder.item(method.clone(), &larder.id(&format!("{number}/{}", count % 100)));
            let request = if method == Method::PUT { request.body("x".repeat(100)) } else { request };
            let request = prefer.iter().fold(request, |request, prefer| request.header("prefer", *prefer));
            let status = request.send().await?.status();
            anyhow::ensure!(status.is_success() || status == 404, "{status}");
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts: Vec<_> = stream::iter(0..clients).map(client).buffer_unordered(clients).try_collect().await?;
    Ok(counts.into_iter().sum::<usize>() as f64 / start.elapsed().as_secs_f64())
}

/// What all of the system's processes have used of the processors (proc(5), fields utime and stime).
fn processor_time(system: &mut System) -> anyhow::Result<Duration> {
    let ticks_per_second = 100;
    let mut ticks = 0;
    for pid in system.pids() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let behind_name = stat.rsplit(") ").next().unwrap_or_default();
        ticks += behind_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(Duration::from_millis(ticks * 1_000 / ticks_per_second))
}
