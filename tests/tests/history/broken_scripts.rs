//! A commit script that breaks the promise is found out, by the same workload that the real one
//! passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_protocol::scripts::COMMIT;
use larder_system::System;
use larder_tests::Larder;
use larder_tests::history::{Clock, Committer, Follower, Report, Workload, check, check_feed, items, settle};

use crate::Tested;

/// The commit script with a part replaced.
fn mutated(part: &str, by: &str) -> String {
    assert_eq!(COMMIT.source().matches(part).count(), 1, "the mutation does not fit the script any more: {part}");
    COMMIT.source().replace(part, by)
}

/// Runs the workload for a while over a system whose only worker is a committer with `script`.
async fn run(script: String) -> anyhow::Result<Option<Report>> {
    let Some(mut larder) = Larder::own(System::builder().workers(0)).await? else { return Ok(None) };
    let system = larder.take_system();
    let committer = Committer::start(&system.redis.url(), script).await?;
    let (larder, clock, stop) = (Arc::new(larder), Clock::start(), AtomicBool::new(false));
    let items = items(&larder);
    let follower = Follower::start(larder.clone(), 1).await?;
    let workload = Workload { clients: 10, seed: 1 }.run(&larder, &items, clock, &stop);
    let time = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (operations, ()) = tokio::join!(workload, time);
    let history = settle(&larder, &items, clock, operations).await?;
    let told = follower.stop().await?;
    committer.stop().await?;
    let mut report = check(&history);
    report.violations.extend(check_feed(&history, &told.changes));
    println!("{report}");
    Ok(Some(report))
}

/// A machine may be too slow for writes to meet as they must; so the script gets a few chances.
async fn assert_caught(script: String) -> Tested {
    for _ in 0..5 {
        let Some(report) = run(script.clone()).await? else { return Ok(()) };
        if !report.violations.is_empty() {
            println!("{}", report.complaint());
            return Ok(());
        }
    }
    panic!("the check did not notice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_as_it_is_passes() -> Tested {
    let Some(report) = run(COMMIT.source().to_owned()).await? else { return Ok(()) };
    assert!(report.violations.is_empty(), "{}", report.complaint());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_drops_a_write_now_and_then_is_caught() -> Tested {
    let store = "  store(id, revision, current, f[6], f[8])\n";
    assert_caught(mutated(store, &format!("if tonumber(string.match(revision, '^%d+')) % 20 > 0 then {store} end\n")))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_keeps_a_change_to_itself_now_and_then_is_caught() -> Tested {
    let tell = "    tell_change('put', id, current, revision, '-')\n";
    assert_caught(mutated(tell, &format!("if tonumber(string.match(revision, '^%d+')) % 20 > 0 then {tell} end\n")))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_swaps_two_writes_now_and_then_is_caught() -> Tested {
    let chunk = "  for _, entry in ipairs(entries) do\n";
    assert_caught(mutated(
        chunk,
        &format!("  if #entries > 1 then entries[1], entries[2] = entries[2], entries[1] end\n{chunk}"),
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_ignores_conditions_is_caught() -> Tested {
    assert_caught(mutated("if current ~= revision and not holds(", "if false and not holds(")).await
}
