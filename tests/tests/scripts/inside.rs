//! Whatever command inside a script fails, no half step is left behind.
//!
//! Each script runs in each of its scenarios, untouched, and its calls of Redis are counted. Then it runs once for each of
//! these calls, with an error in the place of that call, and once more without one. A script that failed must have changed
//! nothing that matters: either nothing at all, or what running it again completes. So what is there in the end is what the
//! untouched run left, and what the script said is true.

mod dump;
mod faulty;
mod scenarios;

use std::collections::BTreeSet;

use larder_protocol::{Call, Partition, keys, scripts};
use larder_tests::RedisAlone;
use redis::Value;

use self::dump::Dump;
use self::faulty::Faulty;
use self::scenarios::{Promise, Scenario, scenarios};
use crate::Tested;

/// A call of Redis inside a script, and what it answered.
pub struct Inner {
    /// Its place in the script.
    pub site: usize,
    /// The how manieth time that the script was there, from 1.
    pub time: usize,
    pub command: String,
    /// The longest string in its reply, in bytes.
    pub longest: usize,
}

/// What a run said: an error of Redis, or a reply.
type Said = Result<Value, String>;

async fn run(redis: &RedisAlone, source: &str, call: &Call) -> Said {
    redis.run_source::<Value>(source, call).await.map_err(|error| error.to_string())
}

/// So often a script runs that goes on where it was; none of the scenarios needs more.
const RUNS: usize = 6;

/// Runs the script as it is, so often.
async fn repeat(redis: &RedisAlone, call: &Call, times: usize) -> Tested {
    for _ in 0..times {
        run(redis, call.script.source(), call).await.map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

/// Checks one fault; answers what is wrong.
async fn check(redis: &RedisAlone, scenario: &Scenario, whole: &Dump, inner: &Inner) -> anyhow::Result<Option<String>> {
    scenario.set_up(redis).await?;
    let before = Dump::of(redis).await?;
    let source = Faulty::of(scenario.call.script).source(Some(inner));
    let said = run(redis, &source, &scenario.call).await;
    let after = Dump::of(redis).await?;
    let differs = |is: &Dump, must_be: &Dump, why: &str| {
        Ok((is != must_be).then(|| format!("{why}: {said:?}\n{}", is.difference(must_be))))
    };
    let again = match (&said, scenario.promise) {
        (_, Promise::ReadsOnly) => return differs(&after, &before, "it reads only, and changed something"),
        (Ok(reply), Promise::Each) => {
            // As many are on the channel as it says.
            let told = format!("{reply:?}").matches("\"accepted\"").count();
            let waiting = |dump: &Dump| dump.get(&keys::writes(Partition::FIRST)).matches("\"op\"").count();
            let wrong = waiting(&before) + told != waiting(&after);
            return Ok(wrong.then(|| format!("it says {told}: {}", after.difference(&before))));
        }
        (Ok(_), Promise::AllOrNothing) => return differs(&after, whole, "it said that it was done whole"),
        (Err(_), Promise::AllOrNothing | Promise::Each) => {
            // A new term may have begun: that is so whether a write follows or not.
            let (is, was) = [&after, &before].map(|dump| dump.without(|key| key.ends_with(":terms"))).into();
            if let Some(wrong) = differs(&is, &was, "it failed, and left something behind")? {
                return Ok(Some(wrong));
            }
            1
        }
        (_, Promise::Repeatable) => RUNS,
    };
    repeat(redis, &scenario.call, again).await?;
    differs(&Dump::of(redis).await?, whole, "running it again leads to something else")
}

#[tokio::test]
async fn no_script_leaves_half_a_step_behind() -> Tested {
    let redis = RedisAlone::start().await?;
    let (mut faults, mut violations, mut reached) = (0, vec![], BTreeSet::new());
    let scenarios = scenarios()?;
    for scenario in &scenarios {
        let script = scenario.call.script.name;
        scenario.set_up(&redis).await?;
        let said = run(&redis, &Faulty::of(scenario.call.script).source(None), &scenario.call).await;
        anyhow::ensure!(said.is_ok(), "{script}, {}: {said:?}", scenario.name);
        let inner = Faulty::trace(&redis).await?;
        if scenario.promise == Promise::Repeatable {
            repeat(&redis, &scenario.call, RUNS - 1).await?;
        }
        let whole = Dump::of(&redis).await?;
        for inner in &inner {
            faults += 1;
            let faulty = Faulty::of(scenario.call.script);
            reached.insert(faulty.lines[inner.site].clone());
            if let Some(wrong) = check(&redis, scenario, &whole, inner).await? {
                let line = &faulty.lines[inner.site];
                violations.push(format!("{script}, {}, time {}: {line}\n{wrong}", scenario.name, inner.time));
            }
        }
    }
    // Several scripts share a fragment, and come to different places in it.
    let lines = scripts::ALL.iter().flat_map(|script| Faulty::of(script).lines);
    let missed: BTreeSet<_> = lines.filter(|line| !reached.contains(line)).collect();
    println!(
        "{} scripts, {} scenarios, {} places, {faults} faults, {} violations",
        scripts::ALL.len(),
        scenarios.len(),
        reached.len(),
        violations.len()
    );
    assert!(violations.is_empty(), "{}", violations.join("\n\n"));
    assert!(missed.is_empty(), "no scenario comes to {missed:#?}");
    Ok(())
}

/// A large value that waits is read by the commit that applies it and by nothing else.
#[tokio::test]
async fn no_script_reads_a_large_value_that_it_does_not_need() -> Tested {
    let redis = RedisAlone::start().await?;
    for scenario in scenarios::beside_large_values(&redis).await? {
        let said = run(&redis, &Faulty::of(scenario.script).source(None), &scenario).await;
        anyhow::ensure!(said.is_ok(), "{}: {said:?}", scenario.script.name);
        for inner in Faulty::trace(&redis).await? {
            let line = &Faulty::of(scenario.script).lines[inner.site];
            assert!(inner.longest < 20_000, "{} reads {} bytes: {line}", scenario.script.name, inner.longest);
        }
    }
    Ok(())
}
