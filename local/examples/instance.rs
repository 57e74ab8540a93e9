//! What an instance of the component costs, in microseconds of one thread, on this machine: to make it, and to make it
//! and hear its first answer, which needs no Redis (`/health/live`). WASI 0.2 pays the second for each request,
//! WASI 0.3 once in 128. Other manifests than the project's two are named as arguments, to compare side by side.
//!
//! It leaves out what a server adds, and the first touch of memory that a pool has kept for another instance is as
//! cold or warm as it happens to be.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use larder_local::runtime::Alone;
use larder_local::spin::Application;

/// Instances that are made in each of the rounds; the pool has room for 1,000 that live at once.
const COUNT: usize = 200;

/// The components take turns, so that a machine that is busy for a while is so for all of them.
const ROUNDS: usize = 5;

/// For so long WASI 0.3 keeps an instance.
const KEPT: Duration = Duration::from_millis(1_200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut manifests: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if manifests.is_empty() {
        manifests = ["spin.toml", "spin-wasip2.toml"].map(|name| root.join(name)).to_vec();
    }
    let mut components = Vec::new();
    for manifest in manifests {
        let component = Alone::prepare(Application::load(&manifest, |name| std::env::var(name).ok())?)?;
        components.push((manifest, component, [vec![], vec![]]));
    }
    for _ in 0..ROUNDS {
        for (_, component, [made, answered]) in &mut components {
            for _ in 0..COUNT {
                let start = Instant::now();
                component.make().await?;
                made.push(start.elapsed());
            }
            for _ in 0..COUNT {
                let start = Instant::now();
                let status = component.answer("/health/live").await?;
                answered.push(start.elapsed());
                ensure!(status.is_success(), "it answers {status}");
            }
            tokio::time::sleep(KEPT).await;
        }
    }
    println!("{:<40}{:>10}{:>10}{:>10}{:>10}", "microseconds", "least", "p50", "p90", "p99");
    for (manifest, _, times) in components {
        for (what, mut times) in ["an instance", "an instance and its first answer"].into_iter().zip(times) {
            times.sort_unstable();
            let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
            println!("{}", manifest.display());
            println!("  {what:<38}{:>10.0}{:>10.0}{:>10.0}{:>10.0}", at(0), at(50), at(90), at(99));
        }
    }
    Ok(())
}
