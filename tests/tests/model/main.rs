//! The scripts against a plain model of what they promise.
//!
//! Random sequences of everything that clients, workers, operators, time and strangers may do
//! run against a real Redis and against [`shard::Shard`]; replies and the whole content of Redis
//! must agree after every step. A failure prints the shortest sequence that still fails.
//! `PROPTEST_CASES=10000` tries longer.

mod ask;
mod commit;
mod entry;
mod found;
mod mutant;
mod outside;
mod request;
mod run;
mod shard;
mod step;
mod view;

use std::env;

use larder_tests::RedisAlone;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::mutant::Mutant;
use crate::run::Run;
use crate::step::Step;

/// A Redis and what runs sequences on it.
struct Bench {
    runtime: Runtime,
    redis: RedisAlone,
}

impl Bench {
    fn start() -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let redis = runtime.block_on(async {
            let redis = RedisAlone::start().await?;
            // Nobody pulls the plug here, and the disk is the slowest part.
            redis.command::<String>(&["CONFIG", "SET", "appendonly", "no"]).await?;
            anyhow::Ok(redis)
        })?;
        Ok(Self { runtime, redis })
    }

    /// Tries random sequences; the error is why one fails, and what is left of it.
    fn holds(&self, runner: &mut TestRunner, mutant: Option<&Mutant>) -> Result<(), (String, Vec<Step>)> {
        let tried = runner.run(&step::steps(), |steps| self.try_steps(mutant, &steps).map_err(TestCaseError::fail));
        match tried {
            Ok(()) => Ok(()),
            Err(TestError::Fail(reason, steps)) => Err(self.without_idle_steps(mutant, reason.to_string(), steps)),
            Err(error) => Err((error.to_string(), Vec::new())),
        }
    }

    fn try_steps(&self, mutant: Option<&Mutant>, steps: &[Step]) -> Result<(), String> {
        let run = self.runtime.block_on(Run::all(&self.redis, mutant, steps));
        run.map_err(|error| format!("{error:#}"))
    }

    /// Leaves out what has become needless: proptest leaves steps out before it makes them
    /// simpler, and never after.
    fn without_idle_steps(&self, mutant: Option<&Mutant>, reason: String, steps: Vec<Step>) -> (String, Vec<Step>) {
        let (mut reason, mut left) = (reason, steps);
        let mut n = 0;
        while n < left.len() {
            let mut fewer = left.clone();
            fewer.remove(n);
            match self.try_steps(mutant, &fewer) {
                Ok(()) => n += 1,
                Err(why) => (reason, left, n) = (why, fewer, 0),
            }
        }
        (reason, left)
    }
}

fn config(cases: u32) -> Config {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() }
}

#[test]
fn the_scripts_do_what_the_model_says() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    if let Err((reason, steps)) = bench.holds(&mut TestRunner::new(config(150)), None) {
        panic!("{reason}\nwith the steps {steps:#?}");
    }
    Ok(())
}

/// The same sequences every time, so that a mistake is found in every run or in none.
#[test]
fn every_mistake_in_a_script_is_found_and_made_small() -> anyhow::Result<()> {
    let bench = Bench::start()?;
    let found = |mutant: Option<&Mutant>| {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let config = Config { cases: 300, max_shrink_iters: 300, ..config(0) };
        bench.holds(&mut TestRunner::new_with_rng(config, rng), mutant)
    };
    assert_eq!(found(None).map_err(|(reason, _)| reason), Ok(()), "there is no mistake to find");
    for (mistake, mutant) in mutant::mutants() {
        match found(Some(&mutant)) {
            Err((_, steps)) => assert!((1..=5).contains(&steps.len()), "{mistake}: {steps:#?}"),
            Ok(()) => panic!("not found: {mistake}"),
        }
    }
    Ok(())
}
