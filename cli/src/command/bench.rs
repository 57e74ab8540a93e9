//! `larder bench`: a quick figure, of the store as it is reached from here.
//!
//! It writes under a prefix of its own and removes that again. `make bench` of the project measures more exactly.

use std::time::{Duration, Instant};

use clap::Args;
use futures::future::join_all;
use hdrhistogram::Histogram;
use larder_protocol::{ItemId, Metadata};
use serde_json::{Value, json};

use super::rm;
use crate::client::{Client, Condition, Content};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// Ids that it writes to.
const IDS: u32 = 1_000;

#[derive(Debug, Args)]
pub struct Bench {
    /// How long to write, to write and wait, and to read: so many seconds each.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Requests at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    clients: u16,

    /// Bytes of a value.
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    size: u32,
}

#[derive(Clone, Copy)]
enum Work {
    /// Until it is accepted.
    Write,
    /// Until it is applied.
    WriteAndWait,
    Read,
}

impl Work {
    const ALL: [Self; 3] = [Self::Write, Self::WriteAndWait, Self::Read];

    fn name(self) -> &'static str {
        match self {
            Self::Write => "write (accepted)",
            Self::WriteAndWait => "write (applied)",
            Self::Read => "read",
        }
    }
}

/// What was measured of one kind of work.
struct Measured {
    work: Work,
    took: Duration,
    micros: Histogram<u64>,
    failed: u64,
    /// The first that failed.
    trouble: Option<String>,
}

impl Bench {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let place = settings.place()?.writable()?;
        // A request that is repeated would be measured as one.
        let client = Client::new(&place.url, place.token.as_ref(), 0)?;
        client.live().await?;
        let prefix = format!("larder-bench-{:08x}/", fastrand::u32(..));
        eprintln!("{}, under {prefix}, which is removed again", place.described());
        let measured = tokio::select! {
            measured = self.measure(&client, &prefix) => measured,
            _ = tokio::signal::ctrl_c() => Err(Failure::No("interrupted".to_owned()).into()),
        };
        let cleaning = settings.client_of(&place)?;
        let cleaned = clean(&cleaning, &prefix).await;
        let measured = measured?;
        for measured in &measured {
            terminal::say(&if settings.json() { measured.json().to_string() } else { measured.line() })?;
        }
        cleaned.map_err(|error| error.context(format!("items are left; larder rm --prefix {prefix} removes them")))?;
        match measured.iter().map(|measured| measured.failed).sum() {
            0 => Ok(()),
            failed => Err(Failure::Incomplete(format!("{failed} requests failed")).into()),
        }
    }

    async fn measure(&self, client: &Client, prefix: &str) -> anyhow::Result<Vec<Measured>> {
        let mut measured = Vec::new();
        for work in Work::ALL {
            let start = Instant::now();
            let until = start + Duration::from_secs(self.seconds);
            let clients = (0..self.clients).map(|_| self.ask(client, prefix, work, until));
            let mut sum = Measured { work, took: Duration::ZERO, micros: Histogram::new(3)?, failed: 0, trouble: None };
            for (micros, failed, trouble) in join_all(clients).await.into_iter().collect::<anyhow::Result<Vec<_>>>()? {
                sum.micros.add(micros)?;
                sum.failed += failed;
                sum.trouble = sum.trouble.or(trouble);
            }
            sum.took = start.elapsed();
            if let (0, Some(trouble)) = (sum.micros.len(), &sum.trouble) {
                anyhow::bail!("no {} came through: {trouble}", work.name());
            }
            measured.push(sum);
        }
        Ok(measured)
    }

    /// One client: a request after the other.
    async fn ask(
        &self,
        client: &Client,
        prefix: &str,
        work: Work,
        until: Instant,
    ) -> anyhow::Result<(Histogram<u64>, u64, Option<String>)> {
        let (mut micros, mut failed, mut trouble) = (Histogram::new(3)?, 0, None);
        let content = Content {
            content_type: "application/octet-stream".to_owned(),
            value: vec![b'x'; self.size as usize].into(),
            metadata: Metadata::default(),
            ttl: None,
        };
        while Instant::now() < until {
            let id = ItemId::new(format!("{prefix}{}", fastrand::u32(..IDS)))?;
            let start = Instant::now();
            let asked = match work {
                Work::Write => client.put(&id, content.clone(), Condition::None, Duration::ZERO).await.map(drop),
                Work::WriteAndWait => {
                    client.put(&id, content.clone(), Condition::None, Duration::from_secs(10)).await.map(drop)
                }
                // Some of them may never have been written; to be told so is a read too.
                Work::Read => client.find(&id).await.map(drop).map_err(Into::into),
            };
            match asked {
                Ok(()) => micros.record(u64::try_from(start.elapsed().as_micros())?)?,
                Err(error) => {
                    failed += 1;
                    trouble.get_or_insert_with(|| format!("{error:#}"));
                    // Whoever refuses is not to be stormed.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        Ok((micros, failed, trouble))
    }
}

async fn clean(client: &Client, prefix: &str) -> anyhow::Result<()> {
    let ids: Vec<_> = (0..IDS).map(|n| format!("{prefix}{n}")).collect();
    match rm::delete(client, &ids).await?.first() {
        None => Ok(()),
        Some(trouble) => anyhow::bail!("{trouble}"),
    }
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.took.as_secs_f64()
    }

    fn millis(&self, quantile: f64) -> f64 {
        self.micros.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn line(&self) -> String {
        let (name, rate, p50, p99) = (self.work.name(), self.per_second(), self.millis(0.5), self.millis(0.99));
        let failed = match &self.trouble {
            None => String::new(),
            Some(trouble) => format!("   {} failed: {trouble}", self.failed),
        };
        format!("{name:<17}  {rate:>8.0}/s   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms{failed}")
    }

    fn json(&self) -> Value {
        json!({
            "work": self.work.name(), "requests": self.micros.len(), "failed": self.failed,
            "seconds": self.took.as_secs_f64(), "per_second": self.per_second(),
            "p50_ms": self.millis(0.5), "p99_ms": self.millis(0.99), "max_ms": self.micros.max() as f64 / 1_000.0,
        })
    }
}
