//! Servers agree in their own time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long they may take. A master of a cluster refuses writes for 2 s after its start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Repeats `check` until it succeeds.
///
/// # Errors
/// The last one, after a minute.
pub(super) async fn wait_for(what: &str, check: impl AsyncFn() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    loop {
        match check().await {
            Ok(()) => return Ok(()),
            Err(error) if start.elapsed() > PATIENCE => {
                bail!("not within {} s: {what}. {error:#}", PATIENCE.as_secs())
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
